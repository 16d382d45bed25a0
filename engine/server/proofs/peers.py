#!/usr/bin/env python3
"""Clients of the field against the real binary, and a validator over all that it serves.

usage: peers.py SHARED SCRATCH

Uses the client scripts and the validator that SHARED holds (skipped visibly without it), and
installs what they need (PyPI, npm) into SCRATCH. MLLP: python-hl7, its asyncio client, hl7apy and
simple-hl7 each play messages and must get every ACK. FHIR: fhirpy, fhir.resources (strict models) and
fhir-kit-client against the demonstration in R4 and in R5, all of what they try; fhirlint over every Patient, Encounter
and Location of the demonstration must find nothing. Exit 0, 1, or 77 when nothing could be run.
"""
import glob, json, os, re, shutil, subprocess, sys, tempfile
from real import BINARY, ROOT, Sluice


def attempt(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def python_clients(shared, scratch):
    """A Python that has the client libraries, or None."""
    venv = os.path.join(scratch, "venv")
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        attempt([sys.executable, "-m", "venv", venv])
    wanted = ["hl7", "hl7apy", "fhirpy", "fhir.resources", "httpx"]
    done = attempt([python, "-m", "pip", "install", "-q", *wanted]) if os.path.exists(python) else None
    return python if done is not None and done.returncode == 0 else None


def node_clients(shared, scratch):
    """A copy of the client scripts beside an npm folder that has what they use, or None."""
    if not shutil.which("npm"):
        return None
    clients, npm = os.path.join(scratch, "clients"), os.path.join(scratch, "npm")
    shutil.copytree(shared + "/clients", clients, dirs_exist_ok=True)
    os.makedirs(npm, exist_ok=True)
    done = attempt(["npm", "i", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", npm,
                    "simple-hl7", "fhir-kit-client"])
    return clients if done.returncode == 0 else None


def mllp(shared, scratch, feed, count):
    """Runs each client; (name, acknowledged, told) of each that could be run."""
    folder = tempfile.mkdtemp()
    demo = open(os.path.join(ROOT, "config", "demo.toml")).read()
    sluice = Sluice(os.path.join(folder, "data"),
                    config=re.sub(r'address = "127\.0\.0\.1:\d+"', 'address = "127.0.0.1:0"', demo))
    port = str(sluice.ports["EJ4.mllp"])  # Whose feed is played: another EJ's is refused.
    commands = []
    python = python_clients(shared, scratch)
    if python:
        commands += [(name, [python, f"{shared}/clients/{name}.py"])
                     for name in ("py_hl7_mllp_client", "py_hl7_asyncio_client", "py_hl7apy_client")]
    clients = node_clients(shared, scratch)
    if clients:
        commands.append(("js_simple_hl7", ["node", f"{clients}/js_simple_hl7.js"]))
    results = []
    for name, command in commands:
        done = attempt([*command, "127.0.0.1", port, feed, str(count)], timeout=300)
        acknowledged = len(re.findall(r"MSA\|[AC]A\|", done.stdout))
        results.append((name, acknowledged, done.stderr.strip()[-200:]))
    sluice.stop()
    shutil.rmtree(folder, ignore_errors=True)
    return results


def fhir(shared, scratch):
    """Runs each FHIR client against R4 and R5; (name, exit, told) of each that could be run."""
    commands = []
    python = python_clients(shared, scratch)
    if python:
        commands += [[python, f"{shared}/clients/{name}.py"] for name in ("check_fhirpy", "check_models")]
    clients = node_clients(shared, scratch)
    if clients:
        shutil.copy(f"{clients}/check_fhir_kit.mjs", f"{scratch}/npm")
        commands.append(["node", f"{scratch}/npm/check_fhir_kit.mjs"])
    if not commands:
        return []
    demo = subprocess.Popen([BINARY, "demo", "--http", "127.0.0.1:0", "--mllp-base", "0"], stdout=subprocess.PIPE, text=True)
    told = (re.match(r"listening http (\S+)", line) for line in demo.stdout)
    address = next(match.group(1) for match in told if match)
    next((line for line in demo.stdout if line.startswith("ready")), None)
    results = []
    for command in commands:
        for base in (f"http://{address}/fhir/R4", f"http://{address}/ej/EJ1/fhir/R5", f"http://{address}/fhir/R5"):
            done = attempt([*command, base], timeout=600)
            failures = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
            name = f"{os.path.basename(command[-1])} {base.split('/', 3)[3]}"
            results.append((name, done.returncode, "\n".join(failures) or (done.stdout.strip() or done.stderr.strip()).splitlines()[-1][-200:]))
    demo.terminate()
    demo.wait()
    return results


def lint(shared, scratch):
    """Every resource of the demonstration through the validator; (files, errors) or None."""
    place = os.path.join(scratch, "lint")
    os.makedirs(place, exist_ok=True)
    for name in ("setup.sh", "fhirlint.mjs"):
        shutil.copy(f"{shared}/validators/{name}", place)
    if not os.path.exists(place + "/npm/node_modules/@medplum/core"):
        if not shutil.which("npm") or attempt(["sh", "setup.sh"], cwd=place).returncode != 0:
            return None
    folder = tempfile.mkdtemp()
    demo = open(os.path.join(ROOT, "config", "demo.toml")).read()
    sluice = Sluice(os.path.join(folder, "data"),
                    config=re.sub(r'address = "127\.0\.0\.1:\d+"', 'address = "127.0.0.1:0"', demo))
    feeds = [(f"EJ{n}", f"{ROOT}/fixtures/feeds/demo/EJ{n}.hl7") for n in (1, 2, 3, 4)]
    feeds += [("EJ1", path) for path in sorted(glob.glob(f"{ROOT}/fixtures/messages/**/*.hl7", recursive=True))]
    feeds += [("EJ1", path) for path in sorted(glob.glob(f"{shared}/feeds/*.hl7") +
                                               glob.glob(f"{shared}/messages/public/*/*.hl7"))]
    for ej, path in feeds:
        # Some of these want no answer: a second is long enough to see that none comes.
        attempt([BINARY, "replay", path, "--timeout", "1", "--to", f"127.0.0.1:{sluice.ports[ej + '.mllp']}"])
    sluice.caught_up()
    written, resources = [], 0
    for ej in ("EJ1", "EJ2", "EJ3", "EJ4"):
        for name in ("patients", "venues"):
            path = os.path.join(folder, f"{ej}-{name}.json")
            body = sluice.get(f"/ej/{ej}/export/{name}")
            resources += len(json.loads(body).get("entry", []))
            open(path, "wb").write(body)
            written.append(path)
        for name in ("Patient?family=du&_count=50", "Encounter?status=finished&_count=50", "Location?_count=200", "metadata",
                     "Patient/no-such-thing"):
            path = os.path.join(folder, f"{ej}-{len(written)}.json")
            try:
                body = sluice.get(f"/ej/{ej}/fhir/R4/{name}")
            except OSError as error:
                body = error.read()
            open(path, "wb").write(body)
            written.append(path)
    sluice.stop()
    done = attempt(["node", "--max-old-space-size=6000", "fhirlint.mjs", "R4", *written], cwd=place, timeout=1800)
    shutil.rmtree(folder, ignore_errors=True)
    return resources, done


def main():
    shared, scratch = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    if not os.path.isdir(shared + "/clients"):
        print("skipped: the client scripts are not here")
        sys.exit(77)
    os.makedirs(scratch, exist_ok=True)
    failed, ran = False, False
    feed = os.path.join(ROOT, "fixtures", "feeds", "demo", "EJ4.hl7")
    count = 40
    for name, acknowledged, told in mllp(shared, scratch, feed, count):
        ran = True
        failed |= acknowledged != count
        print(f"{name}: {acknowledged} of {count} acknowledged {told if acknowledged != count else ''}", flush=True)
    for name, code, told in fhir(shared, scratch):
        ran = True
        failed |= code != 0
        print(f"{name}: exit {code}: {told}", flush=True)
    linted = lint(shared, scratch)
    if linted is None:
        print("skipped: the validator could not be installed")
    else:
        ran = True
        resources, done = linted
        print(f"fhirlint over {resources} exported resources and more: exit {done.returncode}")
        print("\n".join(done.stdout.splitlines()[-15:]))
        failed |= done.returncode != 0 or not re.search(r"with issues 0\b", done.stdout) or resources < 100
    sys.exit(1 if failed else 0 if ran else 77)


if __name__ == "__main__":
    main()
