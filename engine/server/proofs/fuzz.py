#!/usr/bin/env python3
"""Schemathesis against the real binary: no request makes it fail (5xx).

usage: fuzz.py SCRATCH [--cases N]

Installs Schemathesis (PyPI) into SCRATCH. It reads /api/openapi.json, and then an OpenAPI that is made
here of each CapabilityStatement: every type with its search parameters, reads, histories, operations.
What is no FHIR must answer as its document says, too. Exit 0, 1, or 77 when it cannot be installed.
"""
import argparse, glob, json, os, subprocess, sys, tempfile
from real import ROOT, Sender, Sluice

SCHEMATHESIS = "schemathesis==4.*"
NO_FAILURE = "not_a_server_error"
# Bodies of POST /channels/{id}: whatever text it thinks of.
HOOKS = '''
import schemathesis

@schemathesis.serializer("application/hl7-v2")
def hl7v2(context, value):
    return str(value).encode(errors="replace")
'''
AS_TOLD = f"{NO_FAILURE},status_code_conformance,content_type_conformance,response_schema_conformance"


def installed(scratch):
    """The program, or None."""
    venv = os.path.join(scratch, "schemathesis")
    program = os.path.join(venv, "bin", "schemathesis")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True)
        subprocess.run([os.path.join(venv, "bin", "pip"), "install", "-q", SCHEMATHESIS], capture_output=True)
    return program if os.path.exists(program) else None


def parameter(name, where="query", **more):
    return {"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}, **more}


def openapi_of(statement, ids):
    """What a CapabilityStatement promises, as paths. `ids`: some of each type, to be found."""
    paths = {}
    everywhere = [parameter(name) for name in ("_count", "_summary", "_elements", "_sort", "_total", "_format",
                                               "_pretty", "_include", "_revinclude", "_cursor")]
    answers = {"responses": {"default": {"description": "an answer"}}}
    for resource in statement["rest"][0]["resource"]:
        of_type = resource["type"]
        search = everywhere + [parameter(p["name"]) for p in resource.get("searchParam", [])
                               if p["name"] not in {e["name"] for e in everywhere}]
        search += [parameter(p["name"] + modifier) for p in resource.get("searchParam", [])
                   for modifier in (":missing", ":not", ":exact", ":contains")]
        paths[f"/{of_type}"] = {"get": {"parameters": search, **answers}}
        fields = {p["name"]: {"type": "string"} for p in search}
        body = {"content": {"application/x-www-form-urlencoded":
                            {"schema": {"type": "object", "properties": fields}}}}
        paths[f"/{of_type}/_search"] = {"post": {"requestBody": body, **answers}}
        identity = parameter("id", "path", examples={f"x{n}": {"value": i} for n, i in enumerate(ids.get(of_type, []))})
        history = [parameter(name) for name in ("_since", "_at", "_count")]
        for rest, more in (("", []), ("/_history", history), ("/_history/{vid}", [parameter("vid", "path")]),
                           ("/$everything", [parameter("_since"), parameter("_type")]),
                           ("/{member}", [parameter("member", "path")] + everywhere)):
            paths[f"/{of_type}/{{id}}{rest}"] = {"get": {"parameters": [identity, *more], **answers}}
    return {"openapi": "3.1.0", "info": {"title": "FHIR", "version": "1"}, "paths": paths}


def run(program, folder, where, cases, checks, *more):
    command = [program, "run", where, "--checks", checks, "--max-examples", str(cases), "--seed", "7",
               "--phases", "examples,coverage,fuzzing", "--warnings", "off", "--no-color",
               "--request-timeout", "60", *more]
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": folder}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **hooks})
    told = done.stdout.strip().splitlines()
    print("\n".join(told[-12:] if done.returncode == 0 else told[-120:]), done.stderr[-2000:])
    return done.returncode == 0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("scratch")
    arguments.add_argument("--cases", type=int, default=10)
    arguments = arguments.parse_args()
    program = installed(arguments.scratch)
    if program is None:
        print("skipped: Schemathesis could not be installed")
        return 77
    folder = tempfile.mkdtemp()
    with open(os.path.join(folder, "hooks.py"), "w") as f:
        f.write(HOOKS)
    sluice = Sluice(os.path.join(folder, "data"))
    passed = True
    try:
        sender = Sender(sluice.mllp)
        for file in sorted(glob.glob(os.path.join(ROOT, "fixtures", "messages", "pam-fr", "*.hl7")))[:12]:
            with open(file, "rb") as f:
                sender.exchange(b"\r".join(f.read().splitlines()) + b"\r")
        sender.close()
        sluice.caught_up()
        base = f"http://127.0.0.1:{sluice.ports['http']}"
        print("== what is no FHIR")
        passed &= run(program, folder, f"{base}/api/openapi.json", arguments.cases, AS_TOLD)
        for version in ("R4", "R5"):
            print(f"== {version}")
            statement = sluice.json(f"/fhir/{version}/metadata")
            types = [resource["type"] for resource in statement["rest"][0]["resource"]]
            ids = {}
            for of_type in types:
                try:
                    entries = sluice.json(f"/fhir/{version}/{of_type}?_count=3").get("entry", [])
                except OSError:
                    continue  # One that is not searched without saying of what.
                ids[of_type] = [entry["resource"]["id"] for entry in entries]
            document = os.path.join(folder, f"{version}.json")
            with open(document, "w") as f:
                json.dump(openapi_of(statement, ids), f)
            passed &= run(program, folder, document, arguments.cases, NO_FAILURE, "--url", f"{base}/fhir/{version}")
        sluice.json("/health/ready")
    finally:
        sluice.stop()
    print("no request made it fail" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
