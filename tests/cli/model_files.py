"""Safetensors files, taken apart and put together by hand."""
import hashlib
import json
import struct

import support

FORMATS = {"F32": "f", "I64": "q", "F64": "d"}


def split(data):
    """(header, body) of a file's bytes."""
    length, = struct.unpack_from("<Q", data)
    return json.loads(data[8:8 + length]), data[8 + length:]


def join(header, body, **form):
    text = json.dumps(header, **form).encode()
    return struct.pack("<Q", len(text)) + text + bytes(body)


class TensorFile:
    """`tensors` maps names to [dtype, shape, values]."""

    def __init__(self, tensors, metadata=None):
        self.tensors, self.metadata = tensors, metadata

    @classmethod
    def read(cls, data):
        """The parts of a file's bytes; a file that is not packed is a ValueError."""
        header, body = split(data)
        metadata, tensors, at = header.pop("__metadata__", {}), {}, 0
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            if begin != at:
                raise ValueError(f"{name}: {entry}, expected to begin at byte {at}")
            form = "<" + FORMATS[entry["dtype"]]
            values = [value for value, in struct.iter_unpack(form, body[begin:end])]
            tensors[name] = [entry["dtype"], entry["shape"], values]
            at = end
        if at != len(body):
            raise ValueError(f"{len(body) - at} bytes follow the tensors")
        return cls(tensors, metadata)

    def bytes(self, **form):
        header, body = {"__metadata__": self.metadata} if self.metadata else {}, b""
        for name, (dtype, shape, values) in self.tensors.items():
            packed = struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values)
            header[name] = {"dtype": dtype, "shape": shape,
                            "data_offsets": [len(body), len(body) + len(packed)]}
            body += packed
        return join(header, body, **form)


def sign(checkpoint):
    """The bytes of a checkpoint with the right checksum: that of the bytes with zeros in its place."""
    at = checkpoint.index(b'"checksum":"') + len('"checksum":"')
    before, after = checkpoint[:at], checkpoint[at + 64:]
    return before + hashlib.sha256(before + b"0" * 64 + after).hexdigest().encode() + after


def zero_model(network, shapes, classes):
    """A model of our own metadata in which each value is 0."""
    return TensorFile({name: ["F32", shape, [0.0] * (shape[0] * (shape[1] if len(shape) > 1 else 1))]
                       for name, shape in shapes.items()},
                      {"network": network, "input": f"1x{support.ROWS}x{support.COLUMNS}",
                       "classes": str(classes)})
