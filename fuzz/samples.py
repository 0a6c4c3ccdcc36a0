#!/usr/bin/env python3
"""Makes seeds for the targets announcement, template and profile of the samples in crates/devices/tests/data.

    fuzz/samples.py          writes seeds/announcement/*, seeds/template/* and seeds/profile/*, those named from-* anew

The other seeds there were written by hand, or found.
"""

import collections
import glob
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "crates", "devices", "tests", "data")
LONGEST = 4_000


def rows(name):
    with open(os.path.join(DATA, name)) as lines:
        return [json.loads(line) for line in lines]


def write(target, name, text):
    with open(os.path.join(HERE, "seeds", target, "from-" + name), "w") as seed:
        seed.write(text)


def message(topic, payload, how="0"):
    return f"{how}{topic}\t{payload}".replace("\n", " ")


def announcements():
    """A seed for each firmware, of what fits into one."""
    said = collections.defaultdict(list)
    for row in rows("corpus/announcements.jsonl"):
        said[row["firmware"]].append(message(row["topic"], row["payload"]))
    for line in rows("tasmota.jsonl"):
        said["tasmota"].append(message(line["topic"], line["payload"]))
    for firmware, messages in said.items():
        seed = ""
        for one in messages:
            if len(seed) + len(one) < LONGEST:
                seed += one + "\n"
        if seed:
            write("announcement", firmware, seed)


def transcripts():
    """The first conversation of each of Home Assistant's test files."""
    for file, take in (("ha_mqtt", 16), ("ha_tasmota", 4)):
        seen = set()
        for row in rows(f"corpus/transcripts_{file}.jsonl"):
            name = re.sub(r"\W", "-", row["test"].split("::")[0].removeprefix("test_").removesuffix(".py"))
            said = [step for step in row["steps"] if step["op"] in ("config", "recv")]
            seed = "\n".join(message(s["topic"], s["payload"], "1" if s.get("retain") else "0") for s in said)
            if name not in seen and len(seen) < take and 0 < len(seed) < LONGEST:
                seen.add(name)
                write("announcement", f"{file.replace('_', '-')}-{name}", seed)


def templates():
    """Every eighth of the field's templates, over the payload they were printed for."""
    with open(os.path.join(DATA, "corpus/templates_context.json")) as file:
        payload = json.dumps(json.load(file)["value_json"])
    for number, row in enumerate(rows("corpus/templates.jsonl")[::8]):
        write("template", f"the-field-{number:02}", row["template"].replace("\n", " ") + "\n" + payload)


def profiles():
    """The shipped profiles, as far as they are small."""
    for path in sorted(glob.glob(os.path.join(HERE, "..", "firmware-profiles", "*.toml"))):
        with open(path) as file:
            text = re.sub(r"(?m)^#.*\n", "", file.read())
        if len(text) < LONGEST:
            write("profile", os.path.basename(path).removesuffix(".toml"), text)


for target in ("announcement", "template", "profile"):
    os.makedirs(os.path.join(HERE, "seeds", target), exist_ok=True)
    for old in glob.glob(os.path.join(HERE, "seeds", target, "from-*")):
        os.remove(old)
announcements()
transcripts()
templates()
profiles()
