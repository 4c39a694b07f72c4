"""Event files: complete records despite I/O errors, which affect no other file. tests/interop reads them
with TensorBoard."""
import errno
import os
import signal
import struct
import unittest

from run_folder import RunFolderTest
from support import needs_faults


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def records(data):
    """The records of an event file, whose last one must be complete."""
    found, at = [], 0
    while at < len(data):
        length, head = struct.unpack_from("<QI", data, at)
        payload = data[at + 12:at + 12 + length]
        tail, = struct.unpack_from("<I", data, at + 12 + length)
        if (head, tail) != (masked(data[at:at + 8]), masked(payload)):
            raise ValueError(f"checksum at {at}")
        found.append(payload)
        at += 16 + length
    return found


class Checksum(unittest.TestCase):
    def test_known_bytes(self):
        """The check value of the catalogues, and the vectors of RFC 3720, B.4."""
        for data, checksum in ((b"", 0), (b"123456789", 0xe3069283), (bytes(32), 0x8a9136aa),
                               (b"\xff" * 32, 0x62a8ab43), (bytes(range(32)), 0x46dd794e)):
            self.assertEqual(checksum, crc32c(data))


class EventFiles(RunFolderTest):
    def setUp(self):
        super().setUp()
        self.need_feature("tensorboard")
        self.options = ["--data", "data", "--epochs", 3, "--quiet", "--no-report", "--out",
                        "out", "--tensorboard", "board"]

    def records(self):
        data, = self.files("board").values()
        return records(data)

    def test_a_record_per_epoch(self):
        self.succeed(*self.options)
        found = self.records()
        self.assertEqual(4, len(found))
        self.assertIn(b"brain.Event:2", found[0])
        for record in found[1:]:
            for tag in (b"loss/train", b"accuracy/test", b"lr", b"samples_per_second"):
                self.assertIn(tag, record)

    def test_runs_into_one_folder(self):
        """A second one gets a folder of its own; a resumed one goes on, and says what it replaces."""
        self.succeed(*self.options)
        line = self.interrupted(signal.SIGTERM, "--no-report", "--tensorboard", "board", "--epochs", 100000)[-1]
        self.assertEqual("out/checkpoint --tensorboard board/run-2", line)
        before, = self.names("board/run-2")
        self.interrupt(signal.SIGTERM, *f"--resume {line}".split(), after="resumed")
        data, = (data for name, data in self.files("board/run-2").items() if name != before)
        self.assertIn(b"\x3a\x02\x08\x01", records(data)[1])  # session_log: START

    def test_other_files_are_unaffected(self):
        self.succeed(*self.options)
        model = self.model_bytes()
        self.succeed(*self.options[:-2])
        self.assertEqual(model, self.model_bytes())

    @needs_faults
    def test_short_writes(self):
        self.succeed(*self.options, **self.faults("short:7:0", "board"))
        self.assertEqual(4, len(self.records()))

    @needs_faults
    def test_failing_writes(self):
        """The calls open the file and write its first record, then each epoch's, then flush it."""
        for call, whole in ((1, None), (2, 0), (3, 1), (4, 2), (5, 3), (6, 4)):
            with self.subTest(call=call):
                line = self.fail_with(1, *self.options, says="cannot be written: No space left",
                                      **self.faults(f"fail:{errno.ENOSPC}:{call}", "board"))
                self.assertIn(" board/events.out.tfevents.", line)
                if whole is not None:
                    self.assertEqual(whole, len(self.records()))
                    os.remove(self.path("board", os.listdir(self.path("board"))[0]))
                if call > 2:
                    self.assertEqual(3, len(self.metrics()))
                    os.remove(self.path("out/metrics.jsonl"))

    def test_not_a_folder(self):
        self.write("board", b"a file")
        self.fail_with(1, *self.options, says="board: is not a folder")
        self.fail_with(2, *self.options[:-1], "", says="--tensorboard")
