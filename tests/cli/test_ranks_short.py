"""Two ranks in short: two runs and a failing one, for builds with sanitizers; test_ranks.py has many."""
from mpi import RANK, RanksTest
from support import cases

CONVOLUTION = "conv2d:8x3/pad1,batchnorm2d,relu,maxpool2d:2,dropout:0.3,flatten,dense:24,gelu,dense:10"


class TwoRanks(RanksTest):
    DATA = {**RanksTest.DATA, "train": 330, "test": 40}

    @cases({"mlp": (["--validation", 50, "--ema", 0.9, "--augment", "affine"],),
            "convolution": (["--network", CONVOLUTION, "--optimizer", "sgd", "--batch-size", 17],)})
    def test_bytes(self, arguments):
        self.compare_ranks(arguments, [2])

    def test_one_fails(self):
        self.fail_ranks(2, 2, "train", "--data", "data", "--out", "out", "--epochs", 1, says=("rank 1: ", "seed: here 5"),
                        script=f'[ "{RANK}" != 1 ] || set -- "$@" --seed 5; exec "$@"')
