"""libtorch: the loop in C++, compiled against the installed PyTorch on first use (into $XDG_CACHE_HOME or
~/.cache)."""

import ctypes
import hashlib
import os
import pathlib
import subprocess

from peer import find_compiler, read_digits, serve

SOURCE = pathlib.Path(__file__).with_suffix(".cpp")


def compile_with(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or ["it does not say why"]
        raise NotImplementedError(f"{command[0]} cannot compile it: {errors[0]}")


def compiled(torch):
    """The shared library; compiled unless it exists for this source and this PyTorch."""
    from torch.utils import cpp_extension
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "mnist_blas"
    name = hashlib.sha256(SOURCE.read_bytes() + torch.__version__.encode()).hexdigest()[:16]
    library = cache / f"libtorch_peer_{name}.so"
    if not library.exists():
        cache.mkdir(parents=True, exist_ok=True)
        folder = pathlib.Path(torch.__file__).parent / "lib"
        part = library.with_suffix(f".{os.getpid()}")
        command = [find_compiler(), "-O3", "-std=c++20", "-shared", "-fPIC", str(SOURCE), "-o", str(part),
                   *(f"-I{path}" for path in cpp_extension.include_paths()),
                   f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}",
                   f"-L{folder}", "-ltorch", "-ltorch_cpu", "-lc10"]
        compile_with(command)
        part.rename(library)
    return ctypes.CDLL(str(library))


class Libtorch:
    def __init__(self):
        import torch
        self.version = f"libtorch {torch.__version__} (C++)"
        torch.set_flush_denormal(True)
        self.torch = torch

    def open(self, *, data, threads, batch_size, optimizer, lr, momentum, weight_decay):
        self.library = compiled(self.torch)
        self.library.peer_evaluate.restype = ctypes.c_double
        self.train, self.test = read_digits(data, "train"), read_digits(data, "t10k")
        self.samples = len(self.train[1])
        arrays = [part for images, labels in (self.train, self.test)
                  for part in (ctypes.c_void_p(images.ctypes.data), ctypes.c_void_p(labels.ctypes.data),
                               ctypes.c_int64(len(labels)))]
        self.library.peer_open(*arrays, ctypes.c_int(threads), ctypes.c_int64(batch_size),
                               optimizer.encode(), ctypes.c_double(lr), ctypes.c_double(momentum),
                               ctypes.c_double(weight_decay))

    def reset(self, seed):
        self.library.peer_reset(ctypes.c_int64(seed))

    def train_epoch(self):
        self.library.peer_train_epoch()

    def evaluate(self):
        return self.library.peer_evaluate()


if __name__ == "__main__":
    serve(Libtorch)
