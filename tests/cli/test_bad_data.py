"""Broken data: one line, exit code 1, and an unchanged run folder. Unusual but valid data trains."""
import gzip
import os
import struct
import unittest

import support
from support import COLUMNS, FILES, ROWS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, ProgramTest, cases, idx

IMAGE, HEADER = ROWS * COLUMNS, 16  # bytes of an image, and of the header before the first
HUGE = 2**32 - 1


def header(*dimensions, kind=0x08):
    """Replaces the header of the file."""
    return lambda good: idx(dimensions, good[8 if len(good) < 2000 else HEADER:], kind=kind)


def packed(change):
    """Compresses the file with gzip, then changes it."""
    return lambda good: change(gzip.compress(good, mtime=0))


def flip(at):
    """Changes the byte at this offset."""
    return lambda good: good[:at] + bytes([good[at] ^ 0x5a]) + (good[at + 1:] if at != -1 else b"")


def label(item, value):
    return lambda good: good[:8 + item] + bytes([value]) + good[8 + item + 1:]


def always(content):
    return lambda good: content


# File, what happens to its bytes, words of the line besides the file's name.
BROKEN_FILES = {
    "empty": (TRAIN_IMAGES, always(b""), ["empty", "0 bytes"]),
    "empty_test_labels": (TEST_LABELS, always(b""), ["empty", "0 bytes"]),
    "of_three_bytes": (TRAIN_IMAGES, lambda good: good[:3], ["not an IDX file", "3 bytes"]),
    "of_half_a_header": (TRAIN_IMAGES, lambda good: good[:10], ["truncated", "10 bytes", "16"]),
    "of_a_web_page": (TRAIN_LABELS, always(b"<html>404</html>"), ["not an IDX file", "web page"]),
    "of_a_pointer": (TRAIN_LABELS, always(b"version https://git-lfs.github.com/spec/v1\n"), ["Git LFS", "git lfs pull"]),
    "of_little_endian_numbers": (TRAIN_IMAGES, lambda good: good[3::-1] + good[4:], "little-endian"),
    "of_zeros": (TRAIN_IMAGES, always(bytes(1000)), "not an IDX file"),
    "of_a_picture": (TEST_IMAGES, lambda good: b"\x89PNG\r\n\x1a\n" + good, ["not an IDX file", "PNG picture"]),
    "labels_for_images": (TRAIN_IMAGES, always(idx((120,), bytes(120))), "holds labels"),
    "images_for_labels": (TEST_LABELS, always(idx((2, 3, 4), bytes(24))), "holds images"),
    "of_two_dimensions": (TRAIN_IMAGES, header(1200, IMAGE), "2 dimensions"),
    "of_no_dimensions": (TRAIN_LABELS, header(), "0 dimensions"),
    "of_floats": (TRAIN_IMAGES, header(300, ROWS, COLUMNS, kind=0x0d), ["0x0d", "float"]),
    "of_signed_bytes": (TRAIN_IMAGES, header(1200, ROWS, COLUMNS, kind=0x09), "signed bytes"),
    "of_an_unknown_type": (TRAIN_IMAGES, header(1200, ROWS, COLUMNS, kind=0x77), "0x77"),
    "truncated_by_a_byte": (TRAIN_IMAGES, lambda good: good[:-1], ["truncated", "1200", "1199"]),
    "truncated_by_half": (TEST_IMAGES, lambda good: good[:HEADER + 100 * IMAGE],
                          ["truncated", "200 images", "100 are there"]),
    "truncated_to_its_header": (TEST_LABELS, lambda good: good[:8], ["truncated", "200", "0 are"]),
    "with_a_trailing_byte": (TRAIN_LABELS, lambda good: good + b"x", ["trailing garbage", "1 byte"]),
    "with_the_file_twice": (TRAIN_IMAGES, lambda good: good + good, "trailing garbage"),
    "gzip_truncated": (TRAIN_IMAGES, packed(lambda gz: gz[:len(gz) // 2]), "truncated"),
    "gzip_without_its_end": (TRAIN_LABELS, packed(lambda gz: gz[:-1]), "truncated"),
    "gzip_without_checksum": (TRAIN_LABELS, packed(lambda gz: gz[:-8]), "truncated"),
    "gzip_of_two_bytes": (TEST_LABELS, packed(lambda gz: gz[:2]), "truncated"),
    "gzip_with_another_checksum": (TRAIN_IMAGES, packed(flip(-8)), "bad checksum"),
    "gzip_with_another_length": (TEST_IMAGES, packed(flip(-2)), "bad length"),
    "gzip_with_trailing_bytes": (TEST_IMAGES, packed(lambda gz: gz + b"xyz"), ["trailing garbage", "3 bytes"]),
    "gzip_of_another_method": (TRAIN_IMAGES, packed(flip(2)), "damaged"),
    "gzip_with_damage": (TRAIN_IMAGES, packed(lambda gz: gz[:5000] + bytes(1000) + gz[6000:]), ""),
    "gzip_of_nothing": (TRAIN_IMAGES, always(gzip.compress(b"")), ["empty", "0 bytes"]),
    "gzip_of_a_gzip": (TRAIN_IMAGES, packed(gzip.compress), ["not an IDX file", "packed in it is a gzip file"]),
    "gzip_of_truncated": (TRAIN_IMAGES, lambda good: gzip.compress(good[:-5]), "truncated"),
    "more_labels_than_images": (TRAIN_LABELS, lambda good: idx((1201,), good[8:] + b"\0"),
                                ["1201 labels", "1200 images", TRAIN_IMAGES]),
    "fewer_labels_than_images": (TEST_LABELS, lambda good: idx((199,), good[8:-1]),
                                 ["199 labels", "200 images", TEST_IMAGES]),
    "of_no_images": (TRAIN_IMAGES, always(idx((0, ROWS, COLUMNS), b"")), "0 images"),
    "of_no_labels": (TRAIN_LABELS, always(idx((0,), b"")), "0 labels"),
    "of_no_test_images": (TEST_IMAGES, always(idx((0, ROWS, COLUMNS), b"")), "0 images"),
    "of_no_rows": (TRAIN_IMAGES, always(idx((1200, 0, COLUMNS), b"")), "without pixels"),
    "of_no_columns": (TRAIN_IMAGES, always(idx((1200, ROWS, 0), b"")), "without pixels"),
    "of_sizes_that_overflow": (TRAIN_IMAGES, header(HUGE, HUGE, HUGE), "too large"),
    "of_sizes_whose_product_is_zero": (TRAIN_IMAGES, header(2**31, 2**31, 4), "too large"),
    "of_rows_by_columns_too_large": (TEST_IMAGES, header(1, 2**16, 2**16), "too large"),
    "of_too_many_images": (TRAIN_IMAGES, header(HUGE, ROWS, COLUMNS), str(HUGE)),
    "of_too_many_labels": (TRAIN_LABELS, header(HUGE), str(HUGE)),
    "of_more_images_than_there_are": (TRAIN_IMAGES, header(10**6, ROWS, COLUMNS), ["truncated", "1000000", "1200"]),
    "with_one_label_far_above": (TRAIN_LABELS, label(77, 200), ["label 200", "item 77"]),
    "with_a_test_label_far_above": (TEST_LABELS, label(5, 200), ["label 200", "item 5"]),
    "with_a_test_label_just_above": (TEST_LABELS, label(199, 4), ["label 4", "item 199"]),
    "of_labels_from_1": (TEST_LABELS, lambda good: good[:8] + bytes(label + 1 for label in good[8:]),
                         ["label 4 at item", "training has 4 classes"]),
    "of_one_class": (TRAIN_LABELS, lambda good: good[:8] + bytes(len(good) - 8), "1 class"),
    "of_another_test_size": (TEST_IMAGES, header(200, COLUMNS, ROWS),
                             [f"{COLUMNS} x {ROWS}", f"{ROWS} x {COLUMNS}"]),
}


class File(ProgramTest):
    """One of the four files is broken; the line begins with its name."""

    @cases(BROKEN_FILES)
    def test_file(self, name, change, says):
        path = os.path.join(self.make_data(), name)
        broken = change(support.read_bytes(path))
        if broken[:2] == b"\x1f\x8b":
            os.remove(path)
            path += ".gz"
        support.write_bytes(path, broken)
        line = self.refuse(1, "--data", "data", says=says)
        self.assertTrue(line.startswith("mnist_blas: data/" + os.path.basename(path) + ": "), line)

    @cases({"folder": (os.mkdir, "not a regular file"), "pipe": (os.mkfifo, "not a regular file"),
            "device": (lambda path: os.symlink("/dev/zero", path), "not a regular file"),
            "link_to_nowhere": (lambda path: os.symlink("nowhere", path), "missing"),
            "link_to_itself": (lambda path: os.symlink(path, path), "")})
    def test_replaced_by(self, make, says):
        path = os.path.join(self.make_data(), TRAIN_LABELS)
        os.remove(path)
        make(path)
        self.refuse(1, "--data", "data", says=[TRAIN_LABELS, says])

    @cases(FILES)
    def test_missing(self, name):
        os.remove(os.path.join(self.make_data(), name))
        self.refuse(1, "--data", "data", says=["data: missing", name, ".gz"])

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_without_permission(self):
        path = os.path.join(self.make_data(), TEST_IMAGES)
        os.chmod(path, 0)
        self.refuse(1, "--data", "data", says=[TEST_IMAGES, "Permission denied"])
        self.addCleanup(os.chmod, self.path("data"), 0o755)
        os.chmod(self.path("data"), 0)
        self.refuse(1, "--data", "data", says=["data", "Permission denied"])


class Folder(ProgramTest):
    """The folder of the data."""

    @cases({"missing": ("nowhere", "nowhere: no such folder"), "unnamed": ("", "no such folder"),
            "a_file": ("file", "file: is not data of a known format"), "below_a_file": ("file/data", "file/data: no such folder"),
            "empty": ("empty", ["empty: missing", TRAIN_IMAGES])})
    def test_folder(self, folder, says):
        self.write("file", b"")
        os.mkdir(self.path("empty"))
        self.refuse(1, "--data", folder, says=says)

    @cases({"hdf5": ("mnist.h5", b"\x89HDF\r\n\x1a\n", "mnist.h5, an HDF5 file")})
    def test_of_other_content(self, name, content, says):
        os.makedirs(self.path("data/mnist"))
        self.write("data/mnist/" + name, content)
        self.refuse(1, "--data", "data/mnist", says=["missing", TRAIN_IMAGES, says])

    def test_of_several_data_sets(self):
        self.make_data("data/a/raw")
        self.make_data("data/b")
        self.refuse(1, "--data", "data", says="data: holds several data sets, a/raw, b: give one of them, such as data/a/raw")

    def test_of_the_variable_is_not_replaced_by_another(self):
        self.make_data("data/mnist")
        self.refuse(1, MNIST_BLAS_DATA="nowhere", says=["MNIST_BLAS_DATA", "nowhere"])

    def test_found_but_broken_is_not_replaced_by_another(self):
        self.make_data("data/MNIST/raw")
        os.remove(os.path.join(self.make_data("data/mnist"), TEST_LABELS))
        self.refuse(1, says=["./data/mnist", TEST_LABELS])


def gzip_with_name_and_comment(good):
    file = gzip.compress(good)
    extra = struct.pack("<H", 3) + b"abc" + b"name\0" + b"comment\0"
    return file[:3] + b"\x1c" + file[4:10] + extra + file[10:]


class Sets(ProgramTest):
    """The same files under other names and in other folders, which give the usual model."""

    def rename_data(self, change):
        for name in os.listdir(self.make_data("odd")):
            new = os.path.join(self.path("odd"), change(name))
            os.makedirs(os.path.dirname(new), exist_ok=True)
            os.rename(os.path.join(self.path("odd"), name), new)

    @cases({"dots": (lambda name: name.replace("-idx", ".idx"), "odd"),
            "prefix": (lambda name: "my-set-" + name.replace("t10k", "test"), "odd"),
            "prefix_that_is_given": (lambda name: "my-set-" + name, "odd/my-set"),
            "file_that_is_given": (lambda name: name, "odd/" + TEST_LABELS),
            "folder": (lambda name: "gzip/" + name, "odd"),
            "folders": (lambda name: "MNIST/raw/" + name, "odd"),
            "folders_of_the_names": (lambda name: name.replace("-idx", ".idx") + "/" + name, "odd")})
    def test_names(self, change, data):
        self.make_data("usual")
        self.train("usual", out="a")
        self.rename_data(change)
        self.train(data, out="b")
        self.assert_same_model("a", "b")

    def test_emnist_is_transposed_and_named(self):
        self.rename_data(lambda name: "emnist-letters-" + name)
        self.write("odd/emnist-letters-mapping.txt", b"0 97\n1 98\n2 99\n3 100\n")
        train = ("train", "--data", "odd", "--epochs", 1, "--no-report")
        self.assertIn(f"of {COLUMNS}x{ROWS}, 4 classes", self.succeed(*train).out)
        self.assertIn(f"of {ROWS}x{COLUMNS}, 4 classes", self.succeed(*train, "--transpose").out)


class Accepted(ProgramTest):
    """Unusual but valid training files, which give the usual model."""

    @cases({"gzip_of_several_members": lambda good: {
                ".gz": gzip.compress(good[:7]) + gzip.compress(b"") + gzip.compress(good[7:])},
            "gzip_with_padding": lambda good: {".gz": gzip.compress(good) + bytes(512)},
            "gzip_with_a_name_and_a_comment": lambda good: {".gz": gzip_with_name_and_comment(good)},
            "plain_file_beside_a_broken_gzip": lambda good: {"": good, ".gz": b"broken"},
            "link": lambda good: {".target": good}})
    def test_file(self, change):
        path = os.path.join(self.make_data(), TRAIN_IMAGES)
        self.train("data", out="usual")
        good = support.read_bytes(path)
        os.remove(path)
        for end, content in change(good).items():
            support.write_bytes(path + end, content)
            if end == ".target":
                os.symlink(path + end, path)
        self.train("data", out="odd")
        self.assert_same_model("usual", "odd")
