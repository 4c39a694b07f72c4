"""export --c of networks of real MNIST: all test images, and 200 of them on an emulated Cortex-M4."""
import os
import shutil
import subprocess

from support import MODEL, REAL_DATA, TEST_IMAGES, TEST_LABELS, cases, needs_real_data
from test_export_c import STRICT, CompiledTest

CORTEX_M = os.path.abspath("cortex_m")  # .c and .ld


@needs_real_data
class ExportMnist(CompiledTest):
    def setUp(self):
        super().setUp()
        self.succeed("convert", "--data", REAL_DATA, "--out", "plain", "--to", "idx")
        self.images = self.read("plain", TEST_IMAGES)[16:]

    @cases({"mlp": "mlp", "lenet5": "lenet5"})
    def test_all_test_images(self, network):
        self.train(REAL_DATA, "--network", network)
        self.export(MODEL, 784, 10)
        found = self.run_exported(self.images)
        self.assertEqual(10000, len(found))
        self.check_answers(MODEL, found, self.path("plain", TEST_IMAGES), allowed=1e-4)
        self.check_integers(784, self.read("plain", TEST_LABELS)[8:], self.images, REAL_DATA, allowed=0.1)

    def run_on_a_cortex_m(self):
        """The answers to 200 images in an emulator, which opens the files "images" and "classes" for the program, and
        the bytes of the classifier's code and constants, and of its memory."""
        target = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16",
                  "-std=c99", "-Os", "-DSIZE=784", "-DCLASSES=10"]
        self.write("images", self.images[:200 * 784])
        self.compile(*target, *STRICT[:-1], "-c", "digits.c")
        self.compile(*target, "--specs=rdimon.specs", "-nostartfiles", "-T", CORTEX_M + ".ld", CORTEX_M + ".c",
                     "digits.o", "-o", "digits.elf")
        subprocess.run(["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none",
                        "-semihosting-config", "enable=on,target=native", "-kernel", "digits.elf"],
                       cwd=self.folder, stdin=subprocess.DEVNULL, check=True, timeout=600)
        sizes = subprocess.run(["arm-none-eabi-size", self.path("digits.o")], capture_output=True, check=True).stdout
        text, data, bss = (int(number) for number in sizes.split()[6:9])
        found = self.parse(self.read("classes").decode())
        self.assertEqual(200, len(found))
        return found, text + data, data + bss

    def test_on_a_cortex_m(self):
        for tool in "arm-none-eabi-gcc", "qemu-system-arm":
            if shutil.which(tool) is None:
                self.skipTest(f"no {tool}")
        self.train(REAL_DATA, "--network", "lenet5")
        self.succeed("export", MODEL, "--c", "digits.c")
        found, _, _ = self.run_on_a_cortex_m()
        self.check_answers(MODEL, found, self.path("plain", TEST_IMAGES), allowed=1e-4)
        self.export(MODEL, 784, 10, "--quantize", "int8", "--calibrate", REAL_DATA)
        found, flash, memory = self.run_on_a_cortex_m()
        self.assertEqual([name for name, _ in self.run_exported(self.images[:200 * 784])], [name for name, _ in found])
        self.assertLess(flash, 80000)
        self.assertLess(memory, 12000)
