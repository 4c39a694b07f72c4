"""scikit-learn's MLPClassifier, one partial_fit per epoch, with adam or sgd; NumPy's BLAS runs the
threads."""

from peer import SIZES, read_digits, serve


class ScikitLearn:
    def __init__(self):
        import sklearn
        import threadpoolctl
        self.threads = threadpoolctl
        self.version = "scikit-learn " + sklearn.__version__

    def open(self, *, data, threads, batch_size, optimizer, lr, momentum, weight_decay):
        if optimizer not in ("adam", "sgd"):
            raise NotImplementedError(f"there is no {optimizer} in scikit-learn")
        self.limit = self.threads.threadpool_limits(threads)
        self.train, self.test = read_digits(data, "train"), read_digits(data, "t10k")
        self.samples = len(self.train[1])
        self.settings = {"hidden_layer_sizes": SIZES[1:-1], "solver": optimizer, "alpha": weight_decay,
                         "batch_size": batch_size, "learning_rate_init": lr, "momentum": momentum,
                         "nesterovs_momentum": False}

    def reset(self, seed):
        from sklearn.neural_network import MLPClassifier
        self.network = MLPClassifier(random_state=seed, **self.settings)

    def train_epoch(self):
        self.network.partial_fit(*self.train, classes=range(SIZES[-1]))

    def evaluate(self):
        return float(self.network.score(*self.test))


if __name__ == "__main__":
    serve(ScikitLearn)
