"""Broken data: one line, exit code 1, and the run folder as it was."""
import gzip
import os
import struct
import unittest

import support
from support import (COLUMNS, FILES, ROWS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS,
                     ProgramTest, add_methods, idx)

IMAGE, HEADER = ROWS * COLUMNS, 16  # bytes of an image, and of the header before the first


def header(*dimensions, kind=0x08):
    """A breakage: the file is this header and as much of the payload as was there."""
    return lambda good: idx(dimensions, good[8 if len(good) < 2000 else HEADER:], kind=kind)


def packed(change):
    """A breakage: the file is packed with gzip, and then changed."""
    return lambda good: change(gzip.compress(good, mtime=0))


def flip(at):
    """A breakage: the byte at this place is another."""
    def change(good):
        broken = bytearray(good)
        broken[at] ^= 0x5a
        return bytes(broken)
    return change


def label(item, value):
    """A breakage: one label is this."""
    return lambda good: good[:8 + item] + bytes([value]) + good[8 + item + 1:]


# Name of the test: file, what happens to its bytes, what the line says besides the file's name.
BREAKAGES = {
    "empty": [TRAIN_IMAGES, lambda good: b"", ["empty", "0 bytes"]],
    "empty_test_labels": [TEST_LABELS, lambda good: b"", ["empty", "0 bytes"]],
    "of_three_bytes": [TRAIN_IMAGES, lambda good: good[:3], ["not an IDX file", "3 bytes"]],
    "of_half_a_header": [TRAIN_IMAGES, lambda good: good[:10], ["truncated", "10 bytes", "16"]],
    "of_text": [TRAIN_LABELS, lambda good: b"<html>404</html>", "not an IDX file"],
    "of_zeros": [TRAIN_IMAGES, lambda good: bytes(1000), "not an IDX file"],
    "of_a_picture": [TEST_IMAGES, lambda good: b"\x89PNG\r\n\x1a\n" + good, "not an IDX file"],
    "labels_for_images": [TRAIN_IMAGES, lambda good: idx((120,), bytes(120)), "holds labels"],
    "images_for_labels": [TEST_LABELS, lambda good: idx((2, 3, 4), bytes(24)), "holds images"],
    "of_two_dimensions": [TRAIN_IMAGES, header(1200, IMAGE), "2 dimensions"],
    "of_no_dimensions": [TRAIN_LABELS, header(), "0 dimensions"],
    "of_floats": [TRAIN_IMAGES, header(300, ROWS, COLUMNS, kind=0x0d), ["0x0d", "float"]],
    "of_signed_bytes": [TRAIN_IMAGES, header(1200, ROWS, COLUMNS, kind=0x09), "signed bytes"],
    "of_an_unknown_type": [TRAIN_IMAGES, header(1200, ROWS, COLUMNS, kind=0x77), "0x77"],
    "truncated_by_a_byte": [TRAIN_IMAGES, lambda good: good[:-1], ["truncated", "1200", "1199"]],
    "truncated_by_half": [TEST_IMAGES, lambda good: good[:HEADER + 100 * IMAGE],
                          ["truncated", "200 images", "100 are there"]],
    "truncated_to_its_header": [TEST_LABELS, lambda good: good[:8], ["truncated", "200", "0 are"]],
    "with_a_byte_behind": [TRAIN_LABELS, lambda good: good + b"x", ["trailing garbage", "1 byte"]],
    "with_the_file_twice": [TRAIN_IMAGES, lambda good: good + good, "trailing garbage"],
    "gzip_truncated": [TRAIN_IMAGES, packed(lambda gz: gz[:len(gz) // 2]), "truncated"],
    "gzip_without_its_end": [TRAIN_LABELS, packed(lambda gz: gz[:-1]), "truncated"],
    "gzip_without_checksum": [TRAIN_LABELS, packed(lambda gz: gz[:-8]), "truncated"],
    "gzip_of_two_bytes": [TEST_LABELS, packed(lambda gz: gz[:2]), "truncated"],
    "gzip_with_another_checksum": [TRAIN_IMAGES, packed(flip(-8)), "bad checksum"],
    "gzip_with_another_length": [TEST_IMAGES, packed(flip(-2)), "bad length"],
    "gzip_with_garbage_behind": [TEST_IMAGES, packed(lambda gz: gz + b"xyz"),
                                 ["trailing garbage", "3 bytes"]],
    "gzip_of_another_method": [TRAIN_IMAGES, packed(flip(2)), "damaged"],
    "gzip_with_damage": [TRAIN_IMAGES, packed(lambda gz: gz[:5000] + bytes(1000) + gz[6000:]),
                         ""],
    "gzip_of_nothing": [TRAIN_IMAGES, lambda good: gzip.compress(b""), ["empty", "0 bytes"]],
    "gzip_of_a_gzip": [TRAIN_IMAGES, packed(gzip.compress), "not an IDX file"],
    "gzip_of_truncated": [TRAIN_IMAGES, lambda good: gzip.compress(good[:-5]), "truncated"],
    "more_labels_than_images": [TRAIN_LABELS, lambda good: idx((1201,), good[8:] + b"\0"),
                                ["1201 labels", "1200 images", TRAIN_IMAGES]],
    "fewer_labels_than_images": [TEST_LABELS, lambda good: idx((199,), good[8:-1]),
                                 ["199 labels", "200 images", TEST_IMAGES]],
    "of_no_images": [TRAIN_IMAGES, lambda good: idx((0, ROWS, COLUMNS), b""), "0 images"],
    "of_no_labels": [TRAIN_LABELS, lambda good: idx((0,), b""), "0 labels"],
    "of_no_test_images": [TEST_IMAGES, lambda good: idx((0, ROWS, COLUMNS), b""), "0 images"],
    "of_no_rows": [TRAIN_IMAGES, lambda good: idx((1200, 0, COLUMNS), b""), "without pixels"],
    "of_no_columns": [TRAIN_IMAGES, lambda good: idx((1200, ROWS, 0), b""), "without pixels"],
    "of_sizes_that_overflow": [TRAIN_IMAGES, header(2**32 - 1, 2**32 - 1, 2**32 - 1), "too large"],
    "of_sizes_whose_product_is_zero": [TRAIN_IMAGES, header(2**31, 2**31, 4), "too large"],
    "of_rows_by_columns_too_large": [TEST_IMAGES, header(1, 2**16, 2**16), "too large"],
    "of_too_many_images": [TRAIN_IMAGES, header(2**32 - 1, ROWS, COLUMNS), str(2**32 - 1)],
    "of_too_many_labels": [TRAIN_LABELS, header(2**32 - 1), str(2**32 - 1)],
    "of_more_images_than_there_are": [TRAIN_IMAGES, header(10**6, ROWS, COLUMNS),
                                      ["truncated", "1000000", "1200"]],
    "with_one_label_far_above": [TRAIN_LABELS, label(77, 200), ["label 200", "item 77"]],
    "with_a_test_label_far_above": [TEST_LABELS, label(5, 200), ["label 200", "item 5"]],
    "with_a_test_label_just_above": [TEST_LABELS, label(199, 4), ["label 4", "item 199"]],
    "of_one_class": [TRAIN_LABELS, lambda good: good[:8] + bytes(len(good) - 8), "1 class"],
    "of_another_test_size": [TEST_IMAGES, header(200, COLUMNS, ROWS),
                             [f"{COLUMNS} x {ROWS}", f"{ROWS} x {COLUMNS}"]],
}


class BrokenFile(ProgramTest):
    """One of the four files is not what it should be; the line begins with its name."""


def broken_file_test(name, change, words):
    def test(self):
        path = os.path.join(self.make_data(), name)
        broken = change(support.read_bytes(path))
        if broken[:2] == b"\x1f\x8b":
            os.remove(path)
            path += ".gz"
        support.write_bytes(path, broken)
        line = self.refuse(1, "--data", "data", says=words)
        self.assertTrue(line.startswith("mnist_blas: data/" + os.path.basename(path) + ": "), line)
    return test


add_methods(BrokenFile, BREAKAGES, broken_file_test)


class UnreadableFile(ProgramTest):
    """One of the four files cannot be read at all."""

    def replace(self, make):
        """Trains where `make` has put something else in a file's place."""
        path = os.path.join(self.make_data(), TRAIN_LABELS)
        os.remove(path)
        make(path)
        return self.refuse(1, "--data", "data", says=TRAIN_LABELS)

    def test_folder_in_its_place(self):
        self.assertIn("is not a regular file", self.replace(os.mkdir))

    def test_pipe_in_its_place(self):
        self.assertIn("not a regular file", self.replace(os.mkfifo))

    def test_device_in_its_place(self):
        self.assertIn("not a regular file",
                      self.replace(lambda path: os.symlink("/dev/zero", path)))

    def test_link_to_nowhere(self):
        self.assertIn("missing", self.replace(lambda path: os.symlink("nowhere", path)))

    def test_link_to_itself(self):
        self.replace(lambda path: os.symlink(path, path))

    def test_file_without_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may read every file")
        path = os.path.join(self.make_data(), TEST_IMAGES)
        os.chmod(path, 0)
        self.refuse(1, "--data", "data", says=[TEST_IMAGES, "Permission denied"])

    def test_folder_without_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may look into every folder")
        self.addCleanup(os.chmod, self.make_data(), 0o755)
        os.chmod(self.path("data"), 0)
        self.refuse(1, "--data", "data", says=["data", "Permission denied"])


def missing_file_test(name):
    def test(self):
        os.remove(os.path.join(self.make_data(), name))
        self.refuse(1, "--data", "data", says=["data: missing", name, ".gz"])
    return test


add_methods(UnreadableFile, {"missing_" + name.replace("-", "_"): [name] for name in FILES},
            missing_file_test)


class Folder(ProgramTest):
    """The folder of the data."""

    def test_missing(self):
        self.refuse(1, "--data", "nowhere", says="nowhere: no such folder")

    def test_empty_name(self):
        self.refuse(1, "--data", "", says="no such folder")

    def test_file_in_its_place(self):
        support.write_bytes(self.path("file"), b"")
        self.refuse(1, "--data", "file", says="file: is not a folder")

    def test_below_a_file(self):
        support.write_bytes(self.path("file"), b"")
        self.refuse(1, "--data", "file/data", says="file/data: no such folder")

    def test_without_a_file(self):
        os.mkdir(self.path("empty"))
        self.refuse(1, "--data", "empty", says=["empty: missing", TRAIN_IMAGES])

    def test_of_the_variable_missing(self):
        self.refuse(1, MNIST_BLAS_DATA="nowhere", says=["MNIST_BLAS_DATA", "nowhere"])

    def test_of_the_variable_is_not_replaced_by_another(self):
        self.make_data("data/mnist")
        self.refuse(1, MNIST_BLAS_DATA="nowhere", says="MNIST_BLAS_DATA")

    def test_found_but_broken_is_not_replaced_by_another(self):
        self.make_data("data/MNIST/raw")
        os.remove(os.path.join(self.make_data("data/mnist"), TEST_LABELS))
        self.refuse(1, says=["./data/mnist", TEST_LABELS])

    def test_nothing_to_evaluate_on(self):
        """Run two folders down, so that nothing of the machine's lies in ../data."""
        os.makedirs(self.path("a/b"))
        self.train(self.make_data(), out="model")
        self.fail_with(1, "evaluate", self.path("model", "model.safetensors"), cwd=self.path("a/b"),
                       XDG_CACHE_HOME="/nowhere",
                       says=["./data/mnist", "./data/MNIST/raw", "../data/mnist",
                             "../data/MNIST/raw", "/nowhere/mnist_blas", "--data",
                             "tools/fetch-mnist"])


class Accepted(ProgramTest):
    """Files that look odd and are good."""

    def train_with(self, change):
        """The model trained on data whose training images were changed is the usual one."""
        path = os.path.join(self.make_data(), TRAIN_IMAGES)
        self.train("data", out="usual")
        good = support.read_bytes(path)
        os.remove(path)
        change(path, good)
        self.train("data", out="odd")
        self.assertEqual(self.model_bytes("usual"), self.model_bytes("odd"))

    def test_gzip_of_several_members(self):
        self.train_with(lambda path, good: support.write_bytes(
            path + ".gz", gzip.compress(good[:7]) + gzip.compress(b"") + gzip.compress(good[7:])))

    def test_gzip_with_padding(self):
        self.train_with(lambda path, good: support.write_bytes(
            path + ".gz", gzip.compress(good) + bytes(512)))

    def test_gzip_with_a_name_and_a_comment(self):
        def pack(path, good):
            packed_good = gzip.compress(good)
            extra = struct.pack("<H", 3) + b"abc" + b"name\0" + b"comment\0"
            support.write_bytes(path + ".gz", packed_good[:3] + b"\x1c" + packed_good[4:10] + extra +
                                packed_good[10:])
        self.train_with(pack)

    def test_plain_file_beside_a_broken_gzip(self):
        def both(path, good):
            support.write_bytes(path, good)
            support.write_bytes(path + ".gz", b"broken")
        self.train_with(both)

    def test_link(self):
        def link(path, good):
            support.write_bytes(self.path("elsewhere"), good)
            os.symlink(self.path("elsewhere"), path)
        self.train_with(link)


if __name__ == "__main__":
    unittest.main()
