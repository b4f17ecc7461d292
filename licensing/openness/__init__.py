"""How open a release really is: three separate answers, computed from what it discloses. Pure.

Owns the components of the Model Openness Framework, its classes, the checklist of the Open Source AI Definition, the
conditions of the open-source exemption in the EU's AI Act, and the words that a card may use. It reads no rows and no
files: it is given what is disclosed, and under which terms. What nobody knows stays unknown: it never counts as yes,
and never as no where a definition leaves it open. Nothing in here is legal advice.
"""
