"""Makes addresses.json by Python's ipaddress: texts, and what they are as bytes and in canonical form; null: no address.

    python3 test/unit/net/vectors/make.py
"""

import ipaddress
import json
import pathlib
import random

random.seed(1)
texts = """0.0.0.0 10.10.1.100 255.255.255.255 1.2.3 1.2.3.4.5 256.1.1.1 01.2.3.4 1.2.3.4/32 ::  ::1 1:: fe80::1 2001:db8::
2001:DB8:0:0:1:0:0:1 2001:db8:0:0:0:0:2:1 2001:db8:0:1:1:1:1:1 2001:0:0:1:0:0:0:1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8
1::8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 ::: :1 1: 12345:: g:: 2001:db8::00001 64:ff9b::192.0.2.33 ::1.2.3.4.5 ::1.2.3
::01.2.3.4 1.2.3.4:: 1:2:3:4:5:6:7:1.2.3.4 1:2:3:4:5:6:1.2.3.4 2001:db8::/64 [::1] ff02::1:ff00:1""".split()


def sample():
    groups = [random.choice([0, 0, 0, 1, random.randrange(0x10000)]) for _ in range(8)]
    text = ":".join(random.choice(["{:x}", "{:04x}", "{:X}"]).format(group) for group in groups)
    address = ipaddress.ip_address(text)
    return random.choice([text, address.compressed, address.exploded])


texts += [sample() for _ in range(150)]
texts += [str(ipaddress.IPv4Address(random.randrange(2**32))) for _ in range(30)]


def vector(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return {"text": text, "bytes": None, "canonical": None}
    return {"text": text, "bytes": address.packed.hex(), "canonical": str(address)}


lines = ",\n".join("  " + json.dumps(vector(text)) for text in texts)
pathlib.Path(__file__).with_name("addresses.json").write_text(f"[\n{lines}\n]\n")
