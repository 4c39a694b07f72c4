"""Real MNIST, from MNIST_BLAS_DATA: accuracy of a default run, and the memory that it takes."""
import os

import support
from support import PROGRAM, ProgramTest, needs_real_data

LEAST_ACCURACY = 0.978
MOST_MEMORY = 300e6  # bytes


@needs_real_data
class Mnist(ProgramTest):
    """The program as somebody runs it for the first time."""

    def test_default_run_learns_and_evaluate_agrees(self):
        self.succeed(MNIST_BLAS_DATA=support.REAL_DATA)
        summary = self.summary("mnist_blas_out")
        self.assertGreater(summary["test_accuracy"], LEAST_ACCURACY)
        self.assertEqual((support.REAL_DATA, 109386), (summary["data"], summary["parameters"]))
        accuracy = summary["test_accuracy"]
        text = self.succeed("evaluate", "mnist_blas_out/model.safetensors", "--data",
                            support.REAL_DATA).out
        self.assertIn(f"accuracy {100 * accuracy:.2f} % ({round(10000 * accuracy)} of 10000)", text)

    def test_memory(self):
        """Of one epoch: all memory is taken before the first step."""
        arguments = [PROGRAM, "--data", support.REAL_DATA, "--epochs", "1", "--quiet", "--out",
                     self.path("out")]
        process = os.posix_spawn(PROGRAM, arguments, support.clean_environment(self.folder),
                                 file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
        _, status, usage = os.wait4(process, 0)
        self.assertEqual(0, os.waitstatus_to_exitcode(status))
        self.assertLess(1024 * usage.ru_maxrss, MOST_MEMORY)
