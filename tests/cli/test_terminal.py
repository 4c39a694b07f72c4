"""train on a terminal: the bar, its width, colours, and what signals leave behind."""
import os
import re
import signal

from screen import ERASE, STYLE, Terminal
from support import ProgramTest, add_methods

BAR = re.compile(r"\r([^\r\n]+)\x1b\[K(?=\r[^\n])")  # an update of the bar, with something after it
EPOCH = re.compile(r"(\d+/\d+) ")
LINE = re.compile(r"(?:epoch )?\d/3(?:  [^\[\]]*)?")
BEGINNING = ["data ", "network ", "training ", "machine "]
FEW, ENDLESS = ["--epochs", 3, "--batch-size", 1], ["--epochs", 100000, "--batch-size", 1]
SIGNALS = {"interrupt": [signal.SIGINT], "terminate": [signal.SIGTERM], "hangup": [signal.SIGHUP]}


def bars(text):
    """The bars in the order in which they were drawn, without their styles."""
    return [STYLE.sub("", bar) for bar in BAR.findall(text)]


class TerminalTest(ProgramTest):
    def start(self, *arguments, **options):
        terminal = Terminal(self.folder, "train", "--no-report", "--data", self.data, "--out", "out", *arguments,
                            **options)
        self.addCleanup(terminal.close)
        return terminal

    def setUp(self):
        super().setUp()
        self.data = self.make_data()

    def run_to_end(self, *arguments, **options):
        terminal = self.start(*arguments, **options)
        self.assertEqual(0, terminal.finish(), terminal.text)
        self.assertEqual("", terminal.screen.style)
        return terminal

    def lines_of_run(self, terminal):
        """The lines on the screen that tell of epochs, checked to stand between the first ones and
        the last, with nothing left of a bar."""
        lines = [line for line in terminal.screen.lines() if not line.startswith("mnist_blas: warning")]
        self.assertEqual(BEGINNING, [next((word for word in BEGINNING if line.startswith(word)), line)
                                     for line in lines[:len(BEGINNING)]])
        self.assertRegex(lines[-1], r"^test accuracy \d+\.\d\d % after .* in out/model\.safetensors$")
        for line in lines[len(BEGINNING):-1]:
            self.assertRegex(line, LINE)
            self.assertIsNotNone(LINE.fullmatch(line), line)
        return lines[len(BEGINNING):-1]


def width_test(width, bar, line):
    def test(self):
        terminal = self.run_to_end(*FEW, width=width)
        drawn = bars(terminal.text)
        self.assertGreaterEqual(len(drawn), 3, terminal.text)
        for one in drawn:
            self.assertLessEqual(len(one), width - 3)
            self.assertRegex(one, bar)
        self.assertEqual("1", EPOCH.search(drawn[0]).group(1)[0])
        lines = self.lines_of_run(terminal)
        self.assertEqual(["1/3", "2/3", "3/3"], [EPOCH.search(one).group(1) for one in lines])
        for one in lines:
            self.assertLess(len(one), width)
            self.assertRegex(one, line)
    return test


class Width(TerminalTest):
    """No bar and no epoch's line is wider than the window."""

    def test_resized_window_is_followed(self):
        terminal = self.start(*ENDLESS, width=200)
        terminal.read_until(bars)
        self.assertGreater(len(bars(terminal.text)[0]), 80)
        for width, room in ((40, range(18, 38)), (120, range(78, 118)), (20, range(8, 18))):
            terminal.resize(width)
            terminal.send(signal.SIGWINCH)
            terminal.read_until(lambda text: any(len(bar) in room for bar in bars(text)))
            begin = len(terminal.text)
            terminal.read_until(lambda text: len(bars(text)) >= 5)
            for bar in bars(terminal.text[begin:]):
                self.assertIn(len(bar), room, bar)

    def test_width_unknown_is_that_of_the_variable(self):
        terminal = self.run_to_end(*FEW, width=0, COLUMNS="40")
        self.assertTrue(all(18 <= len(bar) <= 37 for bar in bars(terminal.text)), terminal.text)

    def test_width_unknown_to_all_is_80(self):
        for columns in (None, "", "0", "-5", "4x", "99999999999999999999"):
            terminal = self.run_to_end(*FEW, width=0, COLUMNS=columns)
            self.assertTrue(all(50 <= len(bar) <= 77 for bar in bars(terminal.text)), terminal.text)

    def test_window_is_asked_before_the_variable(self):
        terminal = self.run_to_end(*FEW, width=40, COLUMNS="200")
        self.assertTrue(all(18 <= len(bar) <= 37 for bar in bars(terminal.text)), terminal.text)


add_methods(Width, {
    "20": [20, r"^\d/3 \[[█░]{5}\] [ \d]{3} %$", r"^\d/3  test \d+\.\d\d %$"],
    "40": [40, r"^epoch \d/3 \[[█░]+\] [ \d]{3} %  \d+:\d\d left$", r"  loss .*  test [\d.]+ %$"],
    "80": [80, r"\[[█░]+\] [ \d]{3} %  loss \d.*  \d+ samples/s  \d+:\d\d left$",
           r"  train .*  test .*s"],
    "200": [200, r"\[[█░]{30}\] [ \d]{3} %  loss \d.*  \d+ samples/s  \d+:\d\d left$", r" GFLOP/s$"],
}, width_test)


class Drawing(TerminalTest):
    """How the bar is drawn, and where none is."""

    def test_nothing_is_cleared_before_it_is_drawn(self):
        terminal = self.run_to_end(*FEW)
        self.assertNotRegex(terminal.text, r"\r\x1b\[K[^\r\n]")
        self.assertGreaterEqual(terminal.text.count(ERASE), 6)

    def test_an_epochs_bar_grows(self):
        terminal = self.run_to_end(*FEW, "--network", "dense:300,relu,dense:4")
        begun = {}
        for bar in bars(terminal.text):
            epoch, percent = EPOCH.search(bar).group(1), int(re.search(r"(\d+) %", bar).group(1))
            self.assertGreaterEqual(percent, begun.get(epoch, 0), bar)
            begun[epoch] = percent
        self.assertEqual({"1/3", "2/3", "3/3"}, set(begun))

    def test_ascii_where_the_locale_is_not_utf_8(self):
        for locale in ("C", "POSIX", "no_such_locale.UTF-8"):
            terminal = self.run_to_end(*FEW, LC_ALL=locale)
            self.assertTrue(terminal.text.isascii())
            self.assertRegex(bars(terminal.text)[0], r"^epoch 1/3 \[#*\.+\]")

    def same_as_a_pipe(self, terminal):
        self.assertNotRegex(terminal.text.replace("\r\n", "\n"), r"[\x00-\x09\x0b-\x1f█░]")
        self.assertEqual(3, len(re.findall(r"(?m)^epoch \d/3 .* GFLOP/s\r$", terminal.text)))

    def test_no_bar_without_cursor_control(self):
        for kind in ("dumb", "", None):
            self.same_as_a_pipe(self.run_to_end(*FEW, width=40, TERM=kind))

    def test_pipe_gets_plain_text(self):
        result = self.succeed("--data", self.data, *FEW, TERM="xterm", LC_ALL="C.UTF-8", COLUMNS="20")
        self.assertNotRegex(result.out, r"[\x00-\x09\x0b-\x1f█░]")
        self.assertEqual(3, len(re.findall(
            r"(?m)^epoch \d/3  loss \d+\.\d{4}  train \d+\.\d\d %  test \d+\.\d\d %  "
            r"\d+\.\d{3} s  \d+ samples/s  \d+\.\d GFLOP/s$", result.out)), result)

    def test_quiet_terminal_gets_plain_text(self):
        terminal = self.run_to_end(*FEW, "--quiet")
        self.assertNotIn("\x1b", terminal.text)
        self.assertEqual(1, terminal.text.replace("mnist_blas: warning", "").count("test accuracy"))
        self.assertNotIn("epoch 1/3", terminal.text)

    def test_error_comes_after_the_bar_is_cleared(self):
        """A run that is sound at first: the weights grow from where lr x weight decay is above 2."""
        terminal = self.start("--network", "dense:4", "--epochs", 30, "--batch-size", 1,
                              "--optimizer", "sgd", "--weight-decay", 0.1, "--lr", 100)
        self.assertEqual(1, terminal.finish(), terminal.text)
        self.assertNotEqual([], bars(terminal.text))
        last = terminal.screen.lines()[-1]
        self.assertRegex(last, r"^mnist_blas: training: the loss is not finite")
        self.assertNotRegex("\n".join(terminal.screen.lines()), r"[█░]")


class Colour(TerminalTest):
    def test_bar_and_result_stand_out(self):
        for nothing in ("", None):
            terminal = self.run_to_end(*FEW, NO_COLOR=nothing)
            self.assertRegex(terminal.text, r"\[(\x1b\[36m█+\x1b\[0m)?(\x1b\[2m░+\x1b\[0m)?\]")
            self.assertRegex(terminal.screen.styled("1"), r"^test accuracy \d+\.\d\d %$")

    def test_no_color_leaves_none(self):
        terminal = self.run_to_end(*FEW, NO_COLOR="1")
        self.assertEqual({ERASE}, set(re.findall(r"\x1b\[[^A-Za-z]*[A-Za-z]", terminal.text)))
        self.assertEqual(terminal.text.count("\x1b"), terminal.text.count(ERASE))
        self.assertIn("░", "".join(bars(terminal.text)))


def signal_test(number):
    def test(self):
        for width, variables in ((80, {}), (20, {}), (40, {"NO_COLOR": "1"})):
            terminal = self.start(*ENDLESS, width=width, **variables)
            terminal.read_until(bars)
            terminal.send(number)
            self.check_end(terminal, number)
            if variables:
                self.assertIsNone(STYLE.search(terminal.text))
    return test


class Signals(TerminalTest):
    def check_end(self, terminal, number):
        """The program leaves no bar, says how to go on, and has saved what that needs."""
        self.assertEqual(128 + number, terminal.finish(), terminal.text[-500:])
        self.assertEqual("", terminal.screen.style)
        self.assertEqual(0, terminal.screen.column)
        self.assertEqual([], terminal.screen.rows[terminal.screen.row])
        lines = terminal.screen.lines()
        for line in lines[len(BEGINNING):]:
            self.assertNotRegex(line, r"[█░^]")
        self.assertRegex(lines[-1], r"^mnist_blas: SIG[A-Z]+: stopped at step .*; to go on: mnist_blas "
                                    r"--resume out/checkpoint$")
        self.assertEqual(["checkpoint", "metrics.jsonl", "model.safetensors", "summary.json"],
                         sorted(os.listdir(self.path("out"))))

    def test_second_signal_cleans_the_screen_too(self):
        """The first is obeyed only after some steps."""
        terminal = self.start(*ENDLESS)
        terminal.read_until(bars)
        terminal.send(signal.SIGSTOP)  # both are there when it goes on
        terminal.send(signal.SIGTERM)
        terminal.send(signal.SIGINT)
        terminal.send(signal.SIGCONT)
        self.assertIn(terminal.finish(), (128 + signal.SIGTERM, 128 + signal.SIGINT))
        self.assertEqual("", terminal.screen.style)
        self.assertEqual([], terminal.screen.rows[terminal.screen.row])
        self.assertEqual([], os.listdir(self.path("out")))

    def test_ctrl_c(self):
        """The terminal shows ^C behind the bar, at every width, without a line more."""
        for width in (20, 40, 59, 60, 61, 62, 63, 64, 65, 80):
            terminal = self.start(*ENDLESS, width=width)
            terminal.read_until(bars)
            terminal.type("\x03")
            self.check_end(terminal, signal.SIGINT)

    def test_ignored_interrupt_stays_ignored(self):
        terminal = self.start(*ENDLESS, ignore=[signal.SIGINT, signal.SIGHUP])
        terminal.read_until(bars)
        for number in (signal.SIGINT, signal.SIGHUP):
            terminal.send(number)
            terminal.read_until(lambda text: len(bars(text)) >= 3)
        terminal.send(signal.SIGTERM)
        self.check_end(terminal, signal.SIGTERM)

    def test_stopped_and_continued(self):
        terminal = self.start(*ENDLESS)
        terminal.read_until(bars)
        terminal.send(signal.SIGSTOP)
        terminal.send(signal.SIGCONT)
        terminal.read_until(lambda text: len(bars(text)) >= 3)
        terminal.type("\x03")
        self.check_end(terminal, signal.SIGINT)


add_methods(Signals, SIGNALS, signal_test)
