"""What a run folder holds, and whether each file of it is whole."""
import json
import os
import re
import struct
import xml.etree.ElementTree
import zlib

import support

LEFTOVER = re.compile(r"\.mnist_blas\.[a-z0-5]{6}\.tmp")


def check_png(data):
    """Every piece is there with its checksum, up to the end."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    at, kind = 8, None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found, = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(data[at + 4:at + 8 + length]) != found:
            raise ValueError(f"{kind} at {at} is broken")
        at += 12 + length
    if kind != b"IEND" or at != len(data):
        raise ValueError("PNG without an end")


def check_whole(path):
    """Raises an error for a file that a reader could not take."""
    data = support.read_bytes(path)
    name = os.path.basename(path)
    if name.endswith(".safetensors"):
        support.read_model(path)
    elif name.endswith(".json"):
        json.loads(data)
    elif name.endswith(".jsonl"):
        for line in data.decode().splitlines():
            json.loads(line)
    elif name.endswith(".png"):
        check_png(data)
    elif name.endswith(".svg"):
        xml.etree.ElementTree.fromstring(data)
    elif name.endswith(".html"):
        if not data.rstrip().endswith(b"</html>"):
            raise ValueError("a page without an end")
    else:
        raise ValueError(f"{name} is no file of a run")


def leftovers(folder):
    return [name for name in os.listdir(folder) if LEFTOVER.fullmatch(name)]


def files(folder):
    """{name: bytes} of all but leftovers."""
    return {name: support.read_bytes(os.path.join(folder, name)) for name in os.listdir(folder)
            if not LEFTOVER.fullmatch(name)}
