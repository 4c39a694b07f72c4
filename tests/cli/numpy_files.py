"""NPY and NPZ files, as NumPy writes them."""
import io
import struct
import zipfile


def npy(kind, shape, payload, fortran=False, version=1):
    """The bytes of an NPY file."""
    header = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + struct.pack("<BBH" if version == 1 else "<BBI", version, 0, len(header)) + header + payload


def npz(arrays, method=zipfile.ZIP_DEFLATED):
    """The bytes of an NPZ file of {name: NPY bytes}."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in arrays.items():
            archive.writestr(name + ".npy", content)
    return file.getvalue()
