"""train on a terminal: the progress line, its width and colours, and the screen after signals."""
import os
import re
import signal

from pseudo_terminal import ERASE, STYLE, Terminal
from support import HANG, ProgramTest, cases

BAR = re.compile(r"\r([^\r\n]+)\x1b\[K(?!\r?\n)")  # an update of the progress line
EPOCH = re.compile(r"epoch (\d/3)(?:  [^\[\]]*)?|           [^\[\]]*")  # or the rest of one
PART_END = r"%, loss [\d.]+$|[\d ](s|samples/s|GFLOP/s)$"
BEGINNING = ["data ", "network ", "training ", "loss ", "machine "]
FEW, ENDLESS = ["--epochs", 3, "--batch-size", 1], ["--epochs", 100000, "--batch-size", 1]


def bars(text):
    """The progress lines in drawing order, without styles."""
    return [STYLE.sub("", bar) for bar in BAR.findall(text)]


class TerminalTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data()

    def start_on_terminal(self, *arguments, **options):
        terminal = Terminal(self.folder, "train", "--no-report", "--data", self.data, "--out", "out", *arguments,
                            **options)
        self.addCleanup(terminal.close)
        return terminal

    def run_to_end(self, *arguments, **options):
        terminal = self.start_on_terminal(*arguments, **options)
        self.assertEqual(0, terminal.finish(), terminal.text)
        self.assertTrue(terminal.ends_clean(), terminal.text)
        return terminal

    def epoch_lines(self, terminal):
        """The lines of the epochs, checked to stand between the first and last lines, without a bar."""
        lines = [line for line in terminal.lines() if not line.startswith("mnist_blas: warning")]
        for word, line in zip(BEGINNING, lines):
            self.assertTrue(line.startswith(word), line)
        self.assertRegex(lines[-1], r"^test accuracy \d+\.\d\d % after .* in out/model\.safetensors$")
        found = lines[len(BEGINNING):-1]
        self.assertEqual(["1/3", "2/3", "3/3"], list(filter(None, (EPOCH.fullmatch(line)[1] for line in found))), found)
        return found


class Width(TerminalTest):
    """No line is wider than the window; if its width is unknown, than COLUMNS, else than 80."""

    @cases({"20": (20, r"^epoch \d/3  [ \d]{3} %$", r"^epoch \d/3$"),
            "40": (40, r"^epoch \d/3  [ \d]{3} %$", PART_END),
            "60": (60, r"^epoch \d/3  [ \d]{3} %  \[[█░]{20}\]  \d+:\d\d left$",
                   PART_END),
            "200": (200, r"\[[█░]{20}\]  \d+:\d\d left  loss \d.*  \d+ samples/s$", r" GFLOP/s$")})
    def test_width(self, width, bar, line):
        terminal = self.run_to_end(*FEW, width=width)
        drawn = bars(terminal.text)
        self.assertNotEqual([], drawn, terminal.text)
        for one in drawn:
            self.assertLessEqual(len(one), width - 3)
            self.assertRegex(one, bar)
        for one in self.epoch_lines(terminal):
            self.assertLess(len(one), width)
            self.assertRegex(one, line)

    def test_resized_window(self):
        terminal = self.start_on_terminal(*ENDLESS, width=200)
        terminal.read_until(bars)
        self.assertGreater(len(bars(terminal.text)[0]), 60)
        for width, lengths in ((40, range(14, 38)), (120, range(60, 118)), (20, range(12, 18))):
            terminal.resize(width)
            terminal.send(signal.SIGWINCH)
            terminal.read_until(lambda text: any(len(bar) in lengths for bar in bars(text)))
            begin = len(terminal.text)
            terminal.read_until(lambda text: len(bars(text)) >= 5)
            for bar in bars(terminal.text[begin:]):
                self.assertIn(len(bar), lengths, bar)

    def test_width_by_variable(self):
        for width, columns, lengths in ((0, "40", range(12, 38)), (40, "200", range(12, 38)),
                                        *((0, text, range(38, 78)) for text in (None, "", "0", "-5", "4x", "9" * 20))):
            terminal = self.run_to_end(*FEW, width=width, COLUMNS=columns)
            self.assertTrue(all(len(bar) in lengths for bar in bars(terminal.text)), terminal.text)


class Drawing(TerminalTest):
    """Drawing of the progress line, and when there is none."""

    def test_lines_are_overwritten_not_cleared(self):
        terminal = self.run_to_end(*FEW)
        self.assertNotRegex(terminal.text, r"\r\x1b\[K[^\r\n]")
        self.assertGreaterEqual(terminal.text.count(ERASE), 4)

    def test_bar_grows(self):
        terminal = self.run_to_end(*FEW, "--network", "dense:1000,relu,dense:1000,relu,dense:4")  # long epochs
        before = {}
        for bar in bars(terminal.text):
            epoch, percent = re.match(r"epoch (\d/3) +(\d+) %", bar).groups()
            self.assertGreaterEqual(int(percent), before.get(epoch, 0), bar)
            before[epoch] = int(percent)
        self.assertEqual({"1/3", "2/3", "3/3"}, set(before))

    def test_ascii_unless_the_locale_is_utf_8(self):
        for locale in ("C", "POSIX", "no_such_locale.UTF-8"):
            terminal = self.run_to_end(*FEW, LC_ALL=locale)
            self.assertTrue(terminal.text.isascii())
            self.assertRegex(bars(terminal.text)[0], r"  \[#*\.+\]  ")

    def test_no_bar_without_cursor_control(self):
        for kind in ("dumb", "", None):
            text = self.run_to_end(*FEW, width=40, TERM=kind).text
            self.assertNotRegex(text.replace("\r\n", "\n"), r"[\x00-\x09\x0b-\x1f█░]")
            self.assertEqual(3, len(re.findall(r"(?m)^epoch \d/3 .* GFLOP/s\r$", text)))

    def test_plain_text_in_a_pipe(self):
        result = self.succeed("--data", self.data, *FEW, TERM="xterm", LC_ALL="C.UTF-8", COLUMNS="20")
        self.assertNotRegex(result.out, r"[\x00-\x09\x0b-\x1f█░]")
        self.assertEqual(3, len(re.findall(
            r"(?m)^epoch \d/3  train \d+\.\d\d %, loss \d+\.\d{4}  test \d+\.\d\d %, loss \d\.\d{4}  "
            r"\d+\.\d{3} s  \d+ samples/s  \d+\.\d GFLOP/s$", result.out)), result)

    def test_quiet_prints_plain_text(self):
        terminal = self.run_to_end(*FEW, "--quiet")
        self.assertNotIn("\x1b", terminal.text)
        self.assertEqual(1, terminal.text.replace("mnist_blas: warning", "").count("test accuracy"))
        self.assertNotIn("epoch 1/3", terminal.text)

    def test_error_replaces_the_bar(self):
        """The run diverges late: weights grow because lr x weight decay is above 2."""
        terminal = self.start_on_terminal("--network", "dense:4", "--epochs", 30, "--batch-size", 1,
                              "--optimizer", "sgd", "--weight-decay", 0.1, "--lr", 100)
        self.assertEqual(1, terminal.finish(), terminal.text)
        self.assertNotEqual([], bars(terminal.text))
        lines = terminal.lines()
        self.assertRegex(lines[-1], r"^mnist_blas: training: the loss is not finite")
        self.assertNotRegex("\n".join(lines), r"[█░]")


class Colour(TerminalTest):
    def test_bar_and_result_are_styled(self):
        for nothing in ("", None):
            terminal = self.run_to_end(*FEW, NO_COLOR=nothing)
            self.assertRegex(terminal.text, r"\[(\x1b\[36m█+\x1b\[0m)?(\x1b\[2m░+\x1b\[0m)?\]")
            self.assertRegex(terminal.in_style("1"), r"^test accuracy \d+\.\d\d %$")

    def test_no_color(self):
        terminal = self.run_to_end(*FEW, NO_COLOR="1")
        self.assertEqual({ERASE}, set(re.findall(r"\x1b\[[^A-Za-z]*[A-Za-z]", terminal.text)))
        self.assertEqual(terminal.text.count("\x1b"), terminal.text.count(ERASE))
        self.assertIn("░", "".join(bars(terminal.text)))


class Signals(TerminalTest):
    def check_end(self, terminal, number):
        """The program clears the bar, prints how to resume, and has saved a checkpoint."""
        self.assertEqual(128 + number, terminal.finish(), terminal.text[-500:])
        self.assertTrue(terminal.ends_clean(), terminal.text[-500:])
        lines = terminal.lines()
        lines[-1] = lines[-1].removeprefix("^C")  # the terminal's echo, where no bar was to be cleared
        for line in lines[len(BEGINNING):]:
            self.assertNotRegex(line, r"[█░^]")
        self.assertRegex(lines[-1], r"^mnist_blas: SIG[A-Z]+: stopped at step .* mnist_blas --resume out/checkpoint$")
        self.assertEqual(["checkpoint", "metrics.jsonl", "model.safetensors", "summary.json"],
                         sorted(set(os.listdir(self.path("out"))) - {"checkpoint.old"}))

    @cases({"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "hangup": signal.SIGHUP})
    def test_signal(self, number):
        for width, variables in ((80, {}), (20, {}), (40, {"NO_COLOR": "1"})):
            terminal = self.start_on_terminal(*ENDLESS, width=width, **variables)
            terminal.read_until(bars)
            terminal.send(number)
            self.check_end(terminal, number)
            if variables:
                self.assertIsNone(STYLE.search(terminal.text))

    def test_second_signal_clears_the_line_too(self):
        """The program handles the first signal only after some steps."""
        terminal = self.start_on_terminal(*ENDLESS)
        terminal.read_until(bars)
        terminal.send(signal.SIGSTOP)  # both signals are pending when it continues
        terminal.send(signal.SIGTERM)
        terminal.send(signal.SIGINT)
        terminal.send(signal.SIGCONT)
        self.assertIn(terminal.finish(), (128 + signal.SIGTERM, 128 + signal.SIGINT))
        self.assertTrue(terminal.ends_clean(), terminal.text[-500:])
        self.assertEqual([], os.listdir(self.path("out")))

    def test_ctrl_c(self):
        """The terminal shows ^C after the bar, at every width, on the same line."""
        for width in (20, 42, 43, 44, 53, 54, 55, 80):
            terminal = self.start_on_terminal(*ENDLESS, width=width)
            terminal.read_until(bars)
            terminal.type("\x03")
            self.check_end(terminal, signal.SIGINT)
            self.assertLess(max(map(len, bars(terminal.text))) + len("^C"), width)

    def test_halted_terminal(self):
        """It holds up neither training nor a signal; what was held back is shown when it goes on."""
        terminal = self.start_on_terminal(*FEW)
        terminal.read_until(bars)
        terminal.type("\x13")
        while not os.path.exists(self.path("out/summary.json")):
            self.assertIsNone(terminal.process.poll())
        terminal.type("\x11")
        self.assertEqual(0, terminal.finish())
        self.epoch_lines(terminal)
        terminal = self.start_on_terminal(*ENDLESS)
        terminal.read_until(bars)
        terminal.type("\x13")
        terminal.send(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, terminal.process.wait(HANG))
        self.assertIn("checkpoint", os.listdir(self.path("out")))

    def test_ignored_interrupt_stays_ignored(self):
        terminal = self.start_on_terminal(*ENDLESS, ignore=[signal.SIGINT, signal.SIGHUP])
        terminal.read_until(bars)
        for number in (signal.SIGINT, signal.SIGHUP):
            terminal.send(number)
            terminal.read_until(lambda text: len(bars(text)) >= 3)
        terminal.send(signal.SIGTERM)
        self.check_end(terminal, signal.SIGTERM)

    def test_stopped_and_continued(self):
        terminal = self.start_on_terminal(*ENDLESS)
        terminal.read_until(bars)
        terminal.send(signal.SIGSTOP)
        terminal.send(signal.SIGCONT)
        terminal.read_until(lambda text: len(bars(text)) >= 3)
        terminal.type("\x03")
        self.check_end(terminal, signal.SIGINT)
