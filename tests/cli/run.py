"""Runs a test module of the current folder; exit code 77, which Meson shows as SKIP, if all its tests are skipped."""
import os
import sys
import unittest

SKIPPED = 77


class Result(unittest.TextTestResult):
    successes = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.successes += 1


sys.path[0] = os.getcwd()  # not the folder of this file
RESULT = unittest.main(module=sys.argv[1], argv=sys.argv[1:], exit=False,
                       testRunner=unittest.TextTestRunner(verbosity=2, resultclass=Result)).result
sys.exit(1 if not RESULT.wasSuccessful() else 0 if RESULT.successes else SKIPPED)
