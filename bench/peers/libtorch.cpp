// The training loop in C++, on the libtorch of the installed PyTorch; libtorch.py compiles and calls it.
#include <torch/torch.h>

#include <memory>
#include <string>

namespace {

struct Trainer {
    torch::Tensor images, labels, test_images, test_labels;
    int64_t batch_size;
    std::string optimizer_name;
    double lr, momentum, weight_decay;
    torch::nn::Sequential network{nullptr};
    std::unique_ptr<torch::optim::Optimizer> optimizer;
} trainer;

torch::nn::Linear linear(int64_t inputs, int64_t units)
{
    torch::nn::Linear layer(inputs, units);
    torch::nn::init::kaiming_uniform_(layer->weight, 0.0, torch::kFanIn, torch::kReLU);
    torch::nn::init::zeros_(layer->bias);
    return layer;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer()
{
    const auto parameters = trainer.network->parameters();
    if (trainer.optimizer_name == "adam")
        return std::make_unique<torch::optim::Adam>(
            parameters, torch::optim::AdamOptions(trainer.lr).weight_decay(trainer.weight_decay));
    if (trainer.optimizer_name == "adamw")
        return std::make_unique<torch::optim::AdamW>(
            parameters, torch::optim::AdamWOptions(trainer.lr).weight_decay(trainer.weight_decay));
    return std::make_unique<torch::optim::SGD>(parameters,
                                               torch::optim::SGDOptions(trainer.lr)
                                                   .momentum(trainer.momentum)
                                                   .weight_decay(trainer.weight_decay));
}

torch::Tensor floats(float *data, int64_t rows) { return torch::from_blob(data, {rows, 784}); }

torch::Tensor longs(int64_t *data, int64_t rows)
{
    return torch::from_blob(data, {rows}, torch::kLong);
}

} // namespace

extern "C" {

// The arrays are borrowed: images (.., 784), labels (..).
void peer_open(float *images, int64_t *labels, int64_t count, float *test_images, int64_t *test_labels,
               int64_t test_count, int threads, int64_t batch_size, const char *optimizer, double lr,
               double momentum, double weight_decay)
{
    torch::set_num_threads(threads);
    trainer.images = floats(images, count);
    trainer.labels = longs(labels, count);
    trainer.test_images = floats(test_images, test_count);
    trainer.test_labels = longs(test_labels, test_count);
    trainer.batch_size = batch_size;
    trainer.optimizer_name = optimizer;
    trainer.lr = lr;
    trainer.momentum = momentum;
    trainer.weight_decay = weight_decay;
}

void peer_reset(int64_t seed)
{
    torch::manual_seed(seed);
    trainer.network = torch::nn::Sequential(linear(784, 128), torch::nn::ReLU(), linear(128, 64),
                                            torch::nn::ReLU(), linear(64, 10));
    trainer.optimizer = make_optimizer();
}

void peer_train_epoch()
{
    const auto order = torch::randperm(trainer.labels.size(0), torch::kLong);
    for (const auto &batch : order.split(trainer.batch_size)) {
        const auto images = trainer.images.index_select(0, batch);
        const auto labels = trainer.labels.index_select(0, batch);
        trainer.optimizer->zero_grad();
        torch::nn::functional::cross_entropy(trainer.network->forward(images), labels).backward();
        trainer.optimizer->step();
    }
}

double peer_evaluate()
{
    torch::NoGradGuard guard;
    const auto guess = trainer.network->forward(trainer.test_images).argmax(1);
    return (guess == trainer.test_labels).to(torch::kDouble).mean().item<double>();
}
}
