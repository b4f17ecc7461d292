"""Pickles that would run something, and tricks by which scanners were made to look away.

Every program here would run `true`, or would import a name without calling it; none is ever loaded.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zlib
from collections.abc import Iterator

from tests.corpus.cases import Case, Content, case

COMMAND = "true"
BIN = "pytorch_model.bin"


def short(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def global_(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def stack_global(module: str, name: str) -> bytes:
    return short(module) + short(name) + b"\x93"


def called(target: bytes, argument: bytes = short(COMMAND), *, protocol: int = 4) -> bytes:
    """A pickle that calls `target` with one argument."""
    return bytes([0x80, protocol]) + target + argument + b"\x85R."


def runs(module: str, name: str) -> bytes:
    return called(stack_global(module, name))


EVIL = runs("posix", "system")
TEXT_EVIL = b"cposix\nsystem\n(S'true'\ntR."
CLEAN = pickle.dumps({"a": [1, 2.5]}, 2)

# A name that scanners' block lists lacked at one time or another, and that runs, loads, opens, fetches or imports.
DANGEROUS = """
os.system posix.system nt.system os.popen os.execvp os.spawnlp os.unlink os.putenv os.chmod shutil.rmtree shutil.copy
subprocess.Popen subprocess.check_output subprocess.getoutput subprocess.call commands.getoutput pty.spawn popen2.popen2
builtins.exec builtins.eval builtins.compile builtins.open builtins.getattr builtins.setattr builtins.__import__ builtins.breakpoint
builtins.globals builtins.vars builtins.memoryview builtins.type builtins.object builtins.map builtins.filter builtins.print
__builtin__.eval __builtin__.execfile __builtin__.apply __builtin__.file __main__.Model
runpy.run_path runpy.run_module runpy._run_code importlib.import_module importlib._bootstrap._load imp.load_source
importlib.util.spec_from_file_location pkgutil.resolve_name pkgutil.get_loader zipimport.zipimporter site.addpackage
pip.main pip._internal.main pip._internal.cli.main.main ensurepip._run_pip venv.create distutils.file_util.write_file
pickle.loads pickle.load _pickle.loads _pickle.Unpickler cPickle.loads marshal.loads dill.loads joblib.load cloudpickle.loads
shelve.open yaml.load yaml.unsafe_load jsonpickle.decode copyreg.add_extension copyreg._reconstructor copy_reg._reconstructor
types.FunctionType types.CodeType types.MethodType types.SimpleNamespace functools.partial functools.reduce functools.partialmethod
operator.attrgetter operator.methodcaller operator.itemgetter operator.call _operator.attrgetter itertools.starmap
code.InteractiveInterpreter code.interact codeop.compile_command timeit.timeit timeit.main trace.Trace bdb.Bdb pdb.run pdb.Pdb
profile.run cProfile.run cProfile.runctx doctest.debug_script doctest.testmod unittest.mock._importer idlelib.run.Executive
idlelib.pyshell.ModifiedInterpreter idlelib.debugobj.ObjectTreeItem.SetText idlelib.autocomplete.AutoComplete.fetch_completions
lib2to3.pgen2.grammar.Grammar.loads lib2to3.pgen2.pgen.ParserGenerator.make_label pydoc.locate pydoc.pipepager pydoc.tempfilepager
test.support.script_helper.run_python_until_end webbrowser.open antigravity.geohash this.s
socket.socket socket.create_connection _socket.socket http.client.HTTPSConnection urllib.request.urlopen urllib.urlopen
requests.get requests.api.post httplib.HTTPConnection aiohttp.client.ClientSession ftplib.FTP smtplib.SMTP telnetlib.Telnet
ssl.get_server_certificate xmlrpc.client.ServerProxy paramiko.SSHClient
asyncio.unix_events._UnixSubprocessTransport._start asyncio.run asyncio.create_subprocess_shell asyncio.base_events.BaseEventLoop
ctypes.CDLL ctypes.cdll.LoadLibrary _ctypes.dlopen cffi.FFI multiprocessing.Process multiprocessing.util.spawnv_passfds
multiprocessing.popen_spawn_posix.Popen multiprocessing.forkserver.main concurrent.futures.ThreadPoolExecutor threading.Thread
signal.signal faulthandler.dump_traceback_later gc.get_objects sys.exit sys.settrace sys.modules sys._getframe
inspect.getattr_static weakref.finalize contextlib.ExitStack tempfile.mktemp pathlib.Path pathlib.Path.write_text io.open
io.FileIO _io.FileIO io.open_code codecs.open codecs.decode fileinput.FileInput linecache.getlines tarfile.open zipfile.ZipFile
logging.config._resolve logging.config.fileConfig logging.FileHandler sqlite3.connect getpass.getpass atexit.register
cgitb.lookup turtle.config_dict tkinter.Tcl _xxsubinterpreters.run_string _testcapi.run_in_subinterp nturl2path.url2pathname
torch.load torch.save torch.hub.load torch.hub.load_state_dict_from_url torch.jit.load torch.jit.unsupported_tensor_ops.execWrapper
torch.storage._load_from_bytes torch.serialization.load torch.serialization._load torch.package.PackageImporter torch.classes.load_library
torch.ops.load_library torch.utils.cpp_extension.load_inline torch.utils._config_module.ConfigModule.load_config
torch.utils.collect_env.run torch.utils.data.datapipes.utils.decoder.basichandlers torch.utils.bottleneck.__main__.run_cprofile
torch._dynamo.guards.GuardBuilder.get torch._inductor.codecache.compile_file torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression
torch.distributed.rpc.rpc_sync torch.multiprocessing.spawn torch.nn.Module torch.nn.modules.linear.Linear torch.nn.Sequential
torch.onnx.export torch._C._jit_pass_inline torch.cuda.nvtx.range torch.testing._internal.common_utils.run_tests
numpy.load numpy.save numpy.fromfile numpy.memmap numpy.f2py.crackfortran.getlincoef numpy.f2py.crackfortran._eval_length
numpy.testing._private.utils.runstring numpy.testing._private.utils.exec_mod_from_location numpy.distutils.exec_command.exec_command
numpy.ctypeslib.load_library numpy.lib.npyio.load numpy.core._internal.npy_ctypes_check numpy.core.fromnumeric.sum
pandas.read_pickle pandas.io.pickle.read_pickle pandas.eval pandas.core.computation.eval scipy.io.loadmat sklearn.svm.SVC
sklearn.linear_model._logistic.LogisticRegression xgboost.core.Booster keras.models.load_model tensorflow.io.read_file
tensorflow.python.ops.io_ops.write_file transformers.AutoModel.from_pretrained transformers.trainer.TrainingArguments
transformers.dynamic_module_utils.get_class_from_dynamic_module huggingface_hub.snapshot_download datasets.load_dataset
fsspec.open cloudpathlib.AnyPath jinja2.Template mlflow.pyfunc.load_model ray.remote nemo.core.classes.ModelPT
uuid._get_command_stdout mimetypes.init platform.popen pty.fork tty.setraw crypt.crypt sched.scheduler string.Formatter.get_field
""".split()  # noqa: SIM905

ALIASED = short("system") + b"\x94" + short("posix") + b"\x94" + b"0" + b"0" + b"h\x01h\x00\x93"


def protocol_two(body: bytes) -> bytes:
    return b"\x80\x02" + body


def framed(body: bytes, length: int) -> bytes:
    return b"\x80\x04\x95" + struct.pack("<Q", length) + body


def doubled(levels: int) -> bytes:
    """A list of two lists of two lists …: short here, enormous for whoever follows every path."""
    return protocol_two(b"]q\x00" + b"".join(b"]q" + bytes([n + 1]) + b"(h" + bytes([n]) + b"h" + bytes([n]) + b"e" for n in range(levels)) + b".")


def legacy(evil: bytes) -> bytes:
    """PyTorch's older format with `evil` in place of the object."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    system = pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2)
    return magic + pickle.dumps(1001, 2) + system + evil + pickle.dumps([], 2)


def tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


SYSTEM = stack_global("posix", "system")
ARGUMENT = short(COMMAND) + b"\x85"
RESULT = stack_global("collections", "OrderedDict") + b")R"
PNG = b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000d49484452000000010000000108060000001f15c4890000000049454e44ae426082")

_TRICKS: list[tuple[str, str, str, Content]] = [
    ("global-text", "protocol 0, as text", "PK-EXEC", TEXT_EVIL),
    ("global-crlf", "a module's name with a carriage return", "FM-MISNAMED", b"cposix\r\nsystem\r\n(S'true'\ntR."),
    ("inst", "INST instead of a name and a call", "PK-EXEC", b"(S'true'\niposix\nsystem\n."),
    ("obj", "OBJ instead of a call", "PK-EXEC", b"\x80\x02(" + global_("posix", "system") + short(COMMAND) + b"o."),
    ("newobj", "NEWOBJ instead of a call", "PK-EXEC", b"\x80\x04" + SYSTEM + ARGUMENT + b"\x81."),
    ("newobj-ex", "NEWOBJ_EX instead of a call", "PK-EXEC", b"\x80\x04" + SYSTEM + ARGUMENT + b"}\x92."),
    ("build", "state set on an object of another class", "PK-EXEC", b"\x80\x04" + stack_global("__main__", "Model") + b")\x81}" + short("x") + b"K\x01sb."),
    ("build-on-name", "state set on a class itself", "PK-EXEC", b"\x80\x04" + stack_global("collections", "OrderedDict") + b"}" + short("x") + b"K\x01sb."),
    ("memo-names", "names that come from the memo in another order", "PK-EXEC", b"\x80\x04" + ALIASED + ARGUMENT + b"R."),
    ("memo-swapped", "a memo entry that is written twice", "PK-EXEC", protocol_two(short("collections") + b"q\x000" + short("posix") + b"q\x000" + b"h\x00" + short("system") + b"\x93" + ARGUMENT + b"R.")),
    ("decoy-strings", "harmless strings right before the import", "PK-EXEC", b"\x80\x04" + short("posix") + short("system") + short("collections") + b"0" + b"\x93" + ARGUMENT + b"R."),
    ("dup-names", "the module's name by DUP", "PK-EXEC", b"\x80\x04" + short("posix") + b"20" + short("system") + b"\x93" + ARGUMENT + b"R."),
    ("computed-name", "a name that another call gives", "PK-EXEC", b"\x80\x04" + short("posix") + stack_global("builtins", "str") + short("system") + b"\x85R\x93" + ARGUMENT + b"R."),
    ("bytes-name", "a name as bytes", "PK-EXEC PK-BROKEN", b"\x80\x04" + short("posix") + b"C\x06system\x93" + ARGUMENT + b"R."),
    ("dotted", "an attribute of an allowed name", "PK-EXEC", called(stack_global("collections", "OrderedDict.__init__.__globals__"))),
    ("dotted-torch", "an attribute path in torch", "PK-EXEC", called(stack_global("torch", "serialization.os.system"))),
    ("called-result", "a call of what a call gives", "PK-EXEC", b"\x80\x04" + RESULT + ARGUMENT + b"R."),
    ("called-list", "a call of a list", "PK-EXEC", b"\x80\x04]" + ARGUMENT + b"R."),
    ("extension-1", "an import by number", "PK-EXEC", b"\x80\x02\x82\x01" + ARGUMENT + b"R."),
    ("extension-2", "an import by a number of two bytes", "PK-EXEC", b"\x80\x02\x83\x01\x02" + ARGUMENT + b"R."),
    ("extension-4", "an import by a number of four bytes", "PK-EXEC", b"\x80\x02\x84\x01\x02\x03\x00" + ARGUMENT + b"R."),
    ("persistent-text", "an outside object by text", "PK-EXEC", b"\x80\x02Pevil\n."),
    ("persistent", "an outside object that is no storage", "PK-EXEC", b"\x80\x02" + short("evil") + b"Q."),
    ("codec", "text decoded by a codec of choice", "PK-EXEC", b"\x80\x04" + stack_global("_codecs", "encode") + short("x") + short("rot13") + b"\x86R."),
    ("cut-after-call", "cut off after the call", "PK-EXEC", EVIL[:-1]),
    ("broken-after-call", "a byte that is no opcode after the call", "PK-EXEC", EVIL[:-1] + b"\xff\xff."),
    ("underflow-after-call", "an empty stack after the call", "PK-EXEC", EVIL[:-1] + b"00000."),
    ("memo-after-call", "an unknown memo entry after the call", "PK-EXEC", EVIL[:-1] + b"h\xf0."),
    ("length-after-call", "a length of 2^60 after the call", "PK-EXEC", EVIL[:-1] + b"\x8d" + struct.pack("<Q", 1 << 60) + b"."),
    ("text-after-call", "a number that is none after the call", "PK-EXEC", b"cposix\nsystem\n(S'true'\ntRInot a number\n."),
    ("no-stop", "no end", "PK-BROKEN", CLEAN[:-1]),
    ("unknown-opcode", "a byte that is no opcode", "PK-BROKEN", b"\x80\x04\xee."),
    ("no-mark", "a tuple without mark", "PK-BROKEN", b"\x80\x02t."),
    ("protocol-9", "a protocol that does not exist", "PK-BROKEN FM-UNKNOWN FM-MISNAMED", b"\x80\x09}."),
    ("length-2-60", "a text of 2^60 bytes", "PK-BROKEN", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"abc."),
    ("long-negative", "a number of minus one bytes", "PK-BROKEN", b"\x80\x02\x8b\xff\xff\xff\xff."),
    ("memo-index", "a memo index of 2^31", "PK-BROKEN PK-COST PK-FORMAT", b"\x80\x02]r\xff\xff\xff\x7f0j\xff\xff\xff\x7fh\x00."),
    ("second", "a second pickle behind a clean one", "PK-EXEC", CLEAN + EVIL),
    ("sixth", "a program behind five clean pickles", "PK-EXEC", CLEAN * 5 + EVIL),
    ("hundredth", "a program behind a hundred clean pickles", "PK-EXEC PK-COST", CLEAN * 100 + EVIL),
    ("legacy-object", "PyTorch's older format, with a program as object", "PK-EXEC", legacy(EVIL)),
    ("legacy-keys", "PyTorch's older format, with a program behind it", "PK-EXEC", legacy(CLEAN) + EVIL),
    ("trailing", "bytes behind the pickle", "PK-STREAM", CLEAN + b"\xff\xfe\xfd" * 30),
    ("frame-crossed", "a name across the end of a frame", "PK-FRAME", framed(short("posix") + short("system") + b"\x93" + ARGUMENT + b"R.", 10)),
    ("frame-nested", "a frame inside a frame", "PK-FRAME", framed(b"\x95" + struct.pack("<Q", 4) + b"NNNN000.", 17)),
    ("frame-too-long", "a frame longer than the file", "PK-FRAME", framed(b"].", 4000)),
    ("nested", "a pickle in a string of bytes", "PK-NESTED", pickle.dumps({"a": EVIL}, 4)),
    ("nested-clean", "a harmless pickle in a string of bytes", "PK-NESTED", pickle.dumps({"a": pickle.dumps([1], 4)}, 4)),
    ("nested-text", "a pickle of protocol 0 in a string of bytes", "PK-NESTED", pickle.dumps({"a": TEXT_EVIL}, 4)),
    ("nested-array", "a pickle in a byte array", "PK-NESTED", pickle.dumps({"a": bytearray(EVIL)}, 5)),
    ("nested-latin", "a pickle in a text for the latin1 codec", "PK-NESTED", pickle.dumps({"a": EVIL}, 2)),
    ("nested-deep", "pickles in pickles, six deep", "PK-NESTED", pickle.dumps(pickle.dumps(pickle.dumps(pickle.dumps(pickle.dumps(EVIL, 4), 4), 4), 4), 4)),
    ("doubled", "a list that doubles forty times", "PK-COST", doubled(40)),
    ("unsafe-import", "an import without any call", "PK-EXEC", b"\x80\x04" + stack_global("antigravity", "x") + b"0N."),
    ("unknown-class", "an object of a class of somebody's own", "PK-EXEC", b"\x80\x04" + stack_global("my_models.net", "Net") + b")\x81."),
    ("wide-characters", "a module's name with look-alike letters", "PK-EXEC", called(stack_global("pοsix", "system"))),
    ("module-empty", "an empty module name", "PK-EXEC", called(stack_global("", "system"))),
    ("string-protocol-0", "names as quoted strings", "PK-EXEC", b"\x80\x02S'posix'\nS'system'\n\x93S'true'\n\x85R."),
    ("unicode-escape", "names as escapes", "PK-EXEC", b"\x80\x02V\\u0070osix\nVsystem\n\x93S'true'\n\x85R."),
]  # fmt: skip

_DISGUISES: list[tuple[str, str, str, Content]] = [
    ("readme-text", "README.txt", "PK-EXEC", EVIL),
    ("json", "special_tokens_map.json", "PK-EXEC", EVIL),
    ("no-extension", "weights", "PK-EXEC", EVIL),
    ("hidden-folder", ".cache-data/x", "PK-EXEC", EVIL),
    ("deep-folder", "a/b/c/d/e/f/g/w.bin", "PK-EXEC", EVIL),
    ("tokenizer-model", "tokenizer.model", "PK-EXEC", EVIL),
    ("npy", "a.npy", "PK-EXEC", EVIL),
    ("h5", "model.h5", "PK-EXEC", EVIL),
    ("onnx", "model.onnx", "PK-EXEC", EVIL),
    ("gguf", "model.gguf", "PK-EXEC", EVIL),
    ("python", "modeling.py", "PK-EXEC", EVIL),
    ("markdown-text", "notes.md", "PK-EXEC", TEXT_EVIL),
    ("csv-text", "scores.csv", "PK-EXEC", TEXT_EVIL),
    ("json-text", "generation_config.json", "PK-EXEC CT-JSON", TEXT_EVIL),
    ("bare-text", "vocab", "PK-EXEC FM-UNKNOWN", b"\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
    ("short-name-txt", "merges.txt", "PK-EXEC FM-UNKNOWN", b"\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
    ("number-first", "notes.txt", "PK-EXEC", b"I5\n0cposix\nsystem\n(S'true'\ntR."),
    ("float-first", "notes.txt", "PK-EXEC", b"F5.5\n0cposix\nsystem\n(S'true'\ntR."),
    ("long-first", "notes.txt", "PK-EXEC", b"L5L\n0cposix\nsystem\n(S'true'\ntR."),
    ("persistent-first", "notes.txt", "PK-EXEC", b"Pxyz\n0cposix\nsystem\n(S'true'\ntR."),
    ("bogus-name-behind", "notes.txt", "PK-EXEC", b"cposix\nsystem\n(S'true'\ntR0c!!! no module\nwhat ever\n."),
    ("empty-tuple-first", "notes.txt", "PK-EXEC", b")0cposix\nsystem\n(S'true'\ntR."),
    ("mark-pop-first", "notes.txt", "PK-EXEC", b"(1cposix\nsystem\n(S'true'\ntR."),
    ("binary-float-first", "x.txt", "PK-EXEC FM-UNKNOWN", b"G@\x16ffffff0cposix\nsystem\n(S'true'\ntR."),
    ("padded-text", "notes.txt", "PK-EXEC", b"N0" * 40_000 + TEXT_EVIL),
    ("png-tail", "logo.png", "FM-POLYGLOT", PNG + EVIL),
    ("jpg-tail", "photo.jpg", "FM-POLYGLOT", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9" + EVIL),
    ("gif-tail", "photo.gif", "FM-POLYGLOT", b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;" + EVIL),
    ("pdf-tail", "paper.pdf", "FM-POLYGLOT", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n" + EVIL),
    ("fake-gif", "photo.gif", "FM-POLYGLOT FM-MISNAMED", b"GIF89a" + EVIL),
    ("fake-id3", "sound.mp3", "FM-POLYGLOT FM-MISNAMED FM-UNKNOWN", b"ID3" + EVIL),
]  # fmt: skip

_WRAPPED: list[tuple[str, str, str, Content]] = [
    ("gzip", "pytorch_model.bin.gz", "PK-WRAP", lambda: gzip.compress(EVIL)),
    ("gzip-pkl", "model.pkl", "PK-WRAP", lambda: gzip.compress(EVIL)),
    ("zlib", "model.joblib", "PK-WRAP", lambda: zlib.compress(EVIL)),
    ("zlib-raw-level", "model.pkl.z", "PK-WRAP", lambda: zlib.compress(EVIL, 9)),
    ("bz2", "model.pkl.bz2", "PK-WRAP", lambda: bz2.compress(EVIL)),
    ("xz", "model.pkl.xz", "PK-WRAP", lambda: lzma.compress(EVIL)),
    ("lzma", "model.pkl.lzma", "PK-WRAP", lambda: lzma.compress(EVIL, lzma.FORMAT_ALONE)),
    ("seven-zip", "model.pt", "PK-WRAP", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(200)),
    ("zstd", "model.pkl.zst", "PK-WRAP", b"\x28\xb5\x2f\xfd\x20\x05\x29\0\0abcde"),
    ("lz4", "model.pkl.lz4", "PK-WRAP", b"\x04\x22\x4d\x18" + bytes(40)),
    ("rar", "model.rar", "PK-WRAP", b"Rar!\x1a\x07\x01\0" + bytes(40)),
    ("compress", "model.Z", "PK-WRAP", b"\x1f\x9d\x90" + bytes(range(60))),
    ("tar", "pytorch_model.tar", "PK-WRAP", lambda: tar({"data.pkl": EVIL})),
    ("tar-bin", BIN, "PK-WRAP", lambda: tar({"storages": CLEAN, "tensors": CLEAN, "pickle": EVIL})),
    ("tar-gzip", "model.tar.gz", "PK-WRAP", lambda: gzip.compress(tar({"data.pkl": EVIL}))),
    ("tar-climbs", "model.tar", "PK-WRAP", lambda: tar({"../../x": b"1"})),
    ("nemo", "model.nemo", "PK-WRAP", lambda: tar({"model_config.yaml": b"a: 1\n", "model_weights.ckpt": EVIL})),
    ("gzip-gzip", "x.gz", "PK-WRAP", lambda: gzip.compress(gzip.compress(gzip.compress(EVIL)))),
    ("gzip-bomb", "x.gz", "PK-WRAP", lambda: gzip.compress(gzip.compress(bytes(200 << 20), 9))),
    ("gzip-as-json", "vocab.json", "PK-WRAP", lambda: gzip.compress(EVIL)),
    ("sqlite", "data.db", "FM-UNINSPECTED", b"SQLite format 3\0" + bytes(100)),
    ("parquet", "data.parquet", "FM-UNINSPECTED", b"PAR1" + bytes(100)),
]  # fmt: skip


def cases() -> Iterator[Case]:
    """All of them."""
    for target in DANGEROUS:
        module, _, name = target.rpartition(".")
        yield case(f"pickle-{target}", f"a call of {target}", "PK-EXEC", {BIN: called(global_(module, name), protocol=2)})
    for name, what, checks, content in _TRICKS:
        yield case(f"pickle-trick-{name}", what, checks, {"model.pkl": content})
    for name, path, checks, content in _DISGUISES:
        yield case(f"pickle-as-{name}", f"a program called {path}", checks, {path: content})
    for name, path, checks, content in _WRAPPED:
        yield case(f"wrapped-{name}", f"a wrapped file called {path}", checks, {path: content})
    yield case("pickle-clean", "a clean pickle where safetensors would do", "PK-FORMAT", {BIN: CLEAN}, "warn")
    yield case("pickle-opcodes", "ten million opcodes", "PK-COST", {BIN: lambda: b"\x80\x02" + b"N0" * 5_000_000 + b"N."}, is_heavy=True)
    yield case("pickle-stack", "ten million values on the stack", "PK-COST PK-BROKEN", {BIN: lambda: b"\x80\x02" + b"N" * 10_000_000 + b"."}, is_heavy=True)
    yield case("pickle-memo", "two million memo entries", "PK-COST", {BIN: lambda: b"\x80\x04" + b"]\x940" * 2_000_000 + b"N."}, is_heavy=True)
    yield case("pickle-texts", "sixty megabytes of texts", "PK-COST", {BIN: lambda: b"\x80\x04" + (b"X\x10\0\0\0" + b"a" * 16 + b"0") * 2_700_000 + b"N."}, is_heavy=True)
    yield case("pickle-marks", "five million marks", "PK-COST PK-BROKEN", {BIN: lambda: b"\x80\x02" + b"(" * 5_000_000 + b"."}, is_heavy=True)
    yield case("pickle-nested-many", "fifty thousand nested pickles", "PK-NESTED", {BIN: lambda: b"\x80\x04" + b"".join([b"B" + struct.pack("<L", len(CLEAN)) + CLEAN + b"0"] * 50_000) + b"N."}, is_heavy=True)
    yield case("pickle-digits", "a number of a million digits", "PK-BROKEN", {BIN: b"\x80\x02L" + b"9" * 1_000_000 + b"L\n."})
