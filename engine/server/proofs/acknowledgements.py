#!/usr/bin/env python3
"""Every combination of MSH-15 and MSH-16 on the real binary, held to docs/acknowledgement-cases.md.

usage: acknowledgements.py

The page is what a test saw of the flow alone; here the process answers, over one connection for each of its six
settings (`ack_mode`, `ack_when`), with what real messages become: applied, applied in part (an IAM without its action code),
without effect (a patient merged with himself), refused for good (another type). What is not made here is a message
set aside and one refused for now (hostile_disk.py, full_disk.py). Prints what was answered in `auto`; exit 0 or 1.
"""
import os, re, shutil, sys, tempfile
from attack import Broken, Raw, must
from real import CONFIG, FS_CR, ROOT, VT, Sluice, admit

PAGE = os.path.join(ROOT, "docs", "acknowledgement-cases.md")


def pages():
    """Each table of the page: its channel's settings, and its rows by MSH-15, MSH-16 and column."""
    for part in open(PAGE, encoding="utf-8").read().split("\n## ")[1:]:
        title, _, table = part.partition("\n")
        header, _, *rows = [[cell.strip() for cell in line.strip("| ").split("|")]
                            for line in table.splitlines() if line.startswith("|")]
        settings = dict(re.findall(r'`(\w+) = "(\w+)"`', title))
        cell = lambda text: "" if text == "empty" else text
        yield settings, {(cell(row[0]), cell(row[1]), fate): told for row in rows for fate, told in zip(header[2:], row[2:])}


def known(message, identifier):
    """The same about the patient whom every message without effect is about."""
    one = identifier.encode()
    return message.replace(b"|" + one + b"^^^", b"|KNOWN^^^").replace(b"PROOFER^" + one, b"PROOFER^KNOWN")


def message(fate, identifier, accept, application):
    asks = f"|||{accept}|{application}"
    if fate == "in part":
        return admit(identifier, asks=asks) + b"IAM|1|DA|PEN^Penicillin^L|SV\r"
    if fate == "no effect":
        return known(admit(identifier, event="A40", asks=asks), identifier) + b"MRG|KNOWN^^^PROOF&699000014&M^PI\r"
    text = admit(identifier, asks=asks)
    return text.replace(b"|ADT^", b"|ORU^") if fate == "refused for good" else text


def answers(line, identifier, sent):
    """All that is said to a message: what is owed to it comes before the last that is owed to the next."""
    last = "END" + identifier
    line.send(VT + sent + FS_CR, VT + admit(last, asks="|||AL|AL") + FS_CR)
    codes = []
    while True:
        answer = line.answer()
        must(answer is not None, f"the connection ended at {identifier}")
        _, code, of = [segment for segment in answer.split(b"\r") if segment.startswith(b"MSA")][0].split(b"|")[:3]
        if of == identifier.encode():
            codes.append(code.decode())
        elif code == b"AA":
            must(of == last.encode(), "an answer to nothing")
            return ", ".join(codes) or "–"


def main():
    folder, sluice, wrong, played = tempfile.mkdtemp(), None, [], 0
    told = list(pages())
    name = lambda settings: f"{settings['ack_mode']}-{settings.get('ack_when', 'stored')}"
    config = CONFIG.split("[[channel]]")[0]
    for settings, _ in told:
        config += (f'[[channel]]\nid = "{name(settings)}"\nejs = ["EJ1"]\n'
                   'source = { type = "mllp", address = "127.0.0.1:0" }\n'
                   + "".join(f'{key} = "{value}"\n' for key, value in settings.items()))
    try:
        sluice = Sluice(os.path.join(folder, "data"), config=config)
        for number, (settings, cases) in enumerate(told):
            line, rows = Raw(sluice.ports[name(settings)]), {}
            answers(line, f"K{number}", known(admit(f"K{number}"), f"K{number}"))
            for at, ((accept, application, fate), expected) in enumerate(cases.items()):
                if fate in ("set aside", "refused for now"):
                    continue
                identifier = f"C{number}N{at}"
                got = answers(line, identifier, message(fate, identifier, accept, application))
                rows.setdefault((accept, application), []).append(got)
                played += 1
                if got != expected:
                    wrong.append(f"{name(settings)}, MSH-15 {accept or 'empty'}, MSH-16 {application or 'empty'}, {fate}: {got}, not {expected}")
            line.close()
            if name(settings) == "auto-stored":
                print("| MSH-15 | MSH-16 | applied | in part | no effect | refused for good |\n|---|---|---|---|---|---|")
                for asked, codes in rows.items():
                    print("| " + " | ".join([code or "empty" for code in asked] + codes) + " |")
            print(f"{name(settings)}: {len(rows)} combinations, {sum(map(len, rows.values()))} messages", flush=True)
        must(sluice.stop() == 0, "no clean stop")
    except Broken as what:
        wrong.append(str(what))
    finally:
        if sluice and sluice.process.poll() is None:
            sluice.kill()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(wrong) or f"acknowledgements: {played} cases of {len(told)} settings answered as docs/acknowledgement-cases.md has them")
    sys.exit(1 if wrong or played < 400 else 0)


if __name__ == "__main__":
    main()
