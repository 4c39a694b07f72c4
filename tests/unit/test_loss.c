#include "core/rng.h"
#include "nn/loss.h"
#include "random.h"
#include "test.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 37, CLASSES = 5 };

/* Logits, labels and a plan of the loss and the stats, as a network's last layer would leave them.
 */
typedef struct fixture {
    mb_arena arena;
    mb_plan plan;
    mb_loss loss;
    mb_epoch_stats stats;
    mb_batch batch;
    mb_trainable trainable; /* the loss reads smoothing and weights only */
    double weight;          /* of the batch, with class weights */
    float logits[ROWS * CLASSES], gradient[ROWS * CLASSES];
    uint8_t labels[ROWS];
    size_t confusion[CLASSES * CLASSES];
} fixture;

static mb_layer_context context_of(fixture *f, size_t rows, bool training)
{
    return (mb_layer_context){.plan = &f->plan,
                              .arena = &f->arena,
                              .kernels = mb_kernels_best(),
                              .batch = &f->batch,
                              .rows = rows,
                              .out = {.data = f->logits, .columns = CLASSES},
                              .d_out = {.data = training ? f->gradient : NULL, .columns = CLASSES},
                              .trainable = training ? &f->trainable : NULL};
}

static fixture *open_fixture(size_t rows, bool training)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, rows, 0);
    for (size_t i = 0; i < ROWS * CLASSES; i++) {
        f->logits[i] = 8.0f * mb_rng_uniform(&rng) - 4.0f;
        f->gradient[i] = 77.0f;
    }
    for (size_t row = 0; row < ROWS; row++)
        f->labels[row] = (uint8_t)mb_rng_below(&rng, CLASSES);
    f->batch = (mb_batch){.labels = f->labels};
    f->stats = (mb_epoch_stats){.finite = true, .confusion = f->confusion};
    const mb_layer_context ctx = context_of(f, rows, training);
    assert_int_equal(mb_loss_open(ROWS, &f->arena, &f->loss, NULL), MB_OK);
    mb_loss_plan(&f->loss, &ctx);
    mb_epoch_stats_plan(&f->loss, &f->stats, &ctx);
    assert_int_equal(mb_plan_status(&f->plan, NULL), MB_OK);
    return f;
}

static void close_fixture(fixture *f)
{
    mb_plan_free(&f->plan);
    mb_arena_free(&f->arena);
    free(f);
}

static void run_step(const mb_worker *worker, void *context)
{
    fixture *f = context;
    const mb_step step = {.weight = f->weight};
    mb_plan_run(&f->plan, &step, worker, NULL);
}

static void run(fixture *f, size_t threads)
{
    mb_team *team = NULL;
    assert_int_equal(mb_team_open(threads, NULL, false, &team, NULL), MB_OK);
    mb_team_run(team, run_step, f);
    mb_team_close(team);
}

/* Cross-entropy of a row in double, as PyTorch's documentation defines it, with weights of the
 * classes: (1 - smoothing) of w[label] * -log(softmax) of the label, plus smoothing / classes of
 * w[c] * -log(softmax) of each class c; the gradient with respect to the logits into d. */
static double naive_weighted_loss(const float *z, uint8_t label, const float *w, double smoothing,
                                  double *d)
{
    double sum = 0.0, loss = 0.0, whole = 0.0;
    for (size_t c = 0; c < CLASSES; c++)
        sum += exp((double)z[c]);
    for (size_t c = 0; c < CLASSES; c++) {
        const double target =
            (double)w[c] * ((c == label ? 1.0 - smoothing : 0.0) + smoothing / CLASSES);
        loss -= target * ((double)z[c] - log(sum));
        whole += target;
        d[c] = -target;
    }
    for (size_t c = 0; c < CLASSES; c++)
        d[c] += whole * exp((double)z[c]) / sum;
    return loss;
}

static double naive_smoothed_loss(const float *z, uint8_t label, double smoothing, double *d)
{
    float ones[CLASSES];
    for (size_t c = 0; c < CLASSES; c++)
        ones[c] = 1.0f;
    return naive_weighted_loss(z, label, ones, smoothing, d);
}

static double naive_loss(const float *z, uint8_t label, double *d)
{
    return naive_smoothed_loss(z, label, 0.0, d);
}

static size_t naive_guess(const float *z)
{
    size_t best = 0;
    for (size_t c = 1; c < CLASSES; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

/* The loss is the mean over the batch, so each row's gradient is divided by `rows`. */
TEST(losses_and_gradients_equal_the_naive_twin)
{
    for (size_t rows = 1; rows <= ROWS; rows += 9)
        for (size_t threads = 1; threads <= 3; threads++) {
            fixture *f = open_fixture(rows, true);
            run(f, threads);
            for (size_t row = 0; row < rows; row++) {
                double d[CLASSES];
                const float *z = f->logits + row * CLASSES;
                const double loss = naive_loss(z, f->labels[row], d);
                assert_true(fabs((double)f->loss.losses[row] - loss) < 2e-6);
                assert_int_equal(f->loss.predicted[row], naive_guess(z));
                for (size_t c = 0; c < CLASSES; c++)
                    assert_true(fabs((double)f->gradient[row * CLASSES + c] - d[c] / (double)rows) <
                                1e-6 / (double)rows);
            }
            for (size_t i = rows * CLASSES; i < ROWS * CLASSES; i++)
                assert_true(f->gradient[i] == 77.0f);
            close_fixture(f);
        }
}

/* Trains with this smoothing; some logits differ widely. Returns the largest gradient. */
static double check_smoothing(double smoothing, size_t rows, size_t threads)
{
    double largest = 0.0;
    fixture *f = open_fixture(rows, true);
    f->trainable.label_smoothing = smoothing;
    f->logits[1] = 60.0f;
    f->logits[rows * CLASSES - 1] = -70.0f;
    run(f, threads);
    for (size_t row = 0; row < rows; row++) {
        double d[CLASSES];
        const float *z = f->logits + row * CLASSES;
        const double loss = naive_smoothed_loss(z, f->labels[row], smoothing, d);
        assert_true(fabs((double)f->loss.losses[row] - loss) < 2e-6 + 1e-6 * loss);
        assert_int_equal(f->loss.predicted[row], naive_guess(z));
        for (size_t c = 0; c < CLASSES; c++) {
            const double gradient = (double)f->gradient[row * CLASSES + c] * (double)rows;
            assert_true(fabs(gradient - d[c]) < 1e-6);
            largest = fmax(largest, fabs(gradient));
        }
    }
    close_fixture(f);
    return largest;
}

TEST(smoothed_losses_and_gradients_equal_the_naive_twin)
{
    static const double smoothings[] = {0.0, 0.01, 0.03, 0.1, 0.5, 0.9};
    for (size_t i = 0; i < sizeof smoothings / sizeof *smoothings; i++)
        for (size_t rows = 2; rows <= ROWS; rows += 7)
            for (size_t threads = 1; threads <= 3; threads++)
                assert_true(check_smoothing(smoothings[i], rows, threads) > 0.1);
}

/* The sum of the batch's losses is divided by the sum of its weights. */
TEST(weighted_losses_and_gradients_equal_the_naive_twin)
{
    for (size_t round = 0; round < 12; round++) {
        const double smoothing = round % 2 == 0 ? 0.0 : 0.1;
        fixture *f = open_fixture(ROWS, true);
        double all = 0.0, d[CLASSES];
        float w[CLASSES];
        for (size_t c = 0; c < CLASSES; c++)
            w[c] = c == 3 ? 0.0f : 0.25f * (float)mb_test_random_size(1, 9);
        for (size_t row = 0; row < ROWS; row++) {
            f->labels[row] = f->labels[row] == 3 ? 4 : f->labels[row];
            f->weight += (double)w[f->labels[row]];
        }
        f->trainable.class_weights = w;
        f->trainable.label_smoothing = smoothing;
        run(f, 1 + round % 3);
        for (size_t row = 0; row < ROWS; row++) {
            const float *z = f->logits + row * CLASSES;
            const double loss = naive_weighted_loss(z, f->labels[row], w, smoothing, d);
            assert_true(fabs((double)f->loss.losses[row] - loss) < 1e-5);
            assert_int_equal(f->loss.predicted[row], naive_guess(z));
            for (size_t c = 0; c < CLASSES; c++)
                assert_true(fabs((double)f->gradient[row * CLASSES + c] * f->weight - d[c]) < 1e-5);
            all += loss;
        }
        assert_true(fabs(f->stats.loss - all) < 1e-4);
        close_fixture(f);
    }
}

/* The entropy of (0.973, 0.003, ..., 0.003). */
TEST(the_least_loss_is_the_entropy_of_a_smoothed_label)
{
    static const float even[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_true(fabs(mb_loss_min(0.03, 10, NULL) - 0.1834790352211152) < 1e-14);
    assert_true(mb_loss_min(0.0, 10, NULL) == 0.0);
    assert_true(mb_loss_min(0.03, 10, even) == mb_loss_min(0.03, 10, NULL));
    assert_true(mb_loss_min(0.0, 10, even) == 0.0);
}

/* Of 30 images of class 0 and 10 of class 1, which weigh 2/3 and 2; a third class has none. The
 * loss of a row is least if the softmax is its target divided by the target's sum. */
TEST(the_least_weighted_loss)
{
    static const float w[] = {2.0f / 3.0f, 2.0f, 0.0f};
    static const double counts[] = {30.0, 10.0};
    double sum = 0.0;
    for (size_t y = 0; y < 2; y++) {
        double whole = 0.0, target[2], loss = 0.0;
        for (size_t c = 0; c < 2; c++)
            whole += target[c] = (double)w[c] * ((c == y ? 0.9 : 0.0) + 0.1 / 3.0);
        for (size_t c = 0; c < 2; c++)
            loss -= target[c] * log(target[c] / whole);
        sum += counts[y] * loss;
    }
    assert_true(fabs(mb_loss_min(0.1, 3, w) - sum / 40.0) < 1e-7);
}

/* Evaluation does not smooth labels: its losses are comparable between smoothing values. */
TEST(evaluation_does_not_smooth)
{
    fixture *f = open_fixture(ROWS, false), *trained = open_fixture(ROWS, true);
    f->trainable.label_smoothing = trained->trainable.label_smoothing = 0.3;
    run(f, 2);
    run(trained, 2);
    for (size_t row = 0; row < ROWS; row++) {
        double d[CLASSES];
        const double loss = naive_loss(f->logits + row * CLASSES, f->labels[row], d);
        assert_true(fabs((double)f->loss.losses[row] - loss) < 2e-6);
        assert_true(fabs((double)trained->loss.losses[row] - loss) > 1e-4);
    }
    close_fixture(f);
    close_fixture(trained);
}

TEST(tally_adds_up_over_batches)
{
    fixture *f = open_fixture(ROWS, true);
    double loss = 0.0, d[CLASSES];
    size_t correct = 0, confusion[CLASSES * CLASSES] = {0};
    for (size_t batch = 1; batch <= 3; batch++) {
        for (size_t row = 0; row < ROWS; row++) {
            const float *z = f->logits + row * CLASSES;
            loss += naive_loss(z, f->labels[row], d);
            correct += naive_guess(z) == f->labels[row];
            confusion[f->labels[row] * CLASSES + naive_guess(z)]++;
        }
        run(f, 2);
        assert_int_equal(f->stats.samples, batch * ROWS);
        assert_int_equal(f->stats.correct, correct);
        assert_true(fabs(f->stats.loss - loss) < 1e-5);
        assert_memory_equal(f->confusion, confusion, sizeof confusion);
        assert_true(f->stats.finite);
        f->logits[batch] = 9.0f; /* the next batch differs */
    }
    assert_true(correct > 0 && correct < 3 * ROWS);
    close_fixture(f);
}

TEST(without_training_there_is_no_gradient)
{
    fixture *f = open_fixture(ROWS, false), *trained = open_fixture(ROWS, true);
    f->stats.confusion = NULL; /* nor need there be a matrix */
    run(f, 2);
    run(trained, 2);
    assert_memory_equal(f->loss.losses, trained->loss.losses, ROWS * sizeof(float));
    assert_memory_equal(f->loss.predicted, trained->loss.predicted, ROWS);
    assert_int_equal(f->stats.correct, trained->stats.correct);
    assert_true(f->stats.loss == trained->stats.loss);
    for (size_t i = 0; i < ROWS * CLASSES; i++)
        assert_true(f->gradient[i] == 77.0f);
    close_fixture(f);
    close_fixture(trained);
}

TEST(a_loss_that_is_not_finite_is_left_out)
{
    static const float bad[] = {NAN, INFINITY};
    for (size_t i = 0; i < 2; i++) {
        fixture *f = open_fixture(ROWS, true);
        run(f, 2);
        const mb_epoch_stats before = f->stats;
        size_t confusion[CLASSES * CLASSES];
        memcpy(confusion, f->confusion, sizeof confusion);
        f->logits[20 * CLASSES + 3] = bad[i];
        run(f, 2);
        assert_false(f->stats.finite);
        assert_true(f->stats.loss == before.loss);
        assert_int_equal(f->stats.samples, before.samples);
        assert_int_equal(f->stats.correct, before.correct);
        assert_memory_equal(f->confusion, confusion, sizeof confusion);
        close_fixture(f);
    }
}

static void do_nothing(const mb_tile_args *args) { (void)args; }

/* Barriers of a plan that writes the logits in this tiling, then computes losses. */
static size_t barriers_after(mb_tiling tiling)
{
    fixture *f = open_fixture(ROWS, true);
    mb_plan_free(&f->plan);
    const mb_layer_context ctx = context_of(f, ROWS, true);
    const mb_phase writer = {.name = "writer",
                             .run = do_nothing,
                             .tiling = tiling,
                             .uses = {{f->logits, .writes = true, .own = true}}};
    mb_plan_add(&f->plan, &writer);
    mb_loss_plan(&f->loss, &ctx);
    const size_t barriers = mb_plan_barriers(&f->plan);
    run(f, 2); /* no row is skipped, whatever the blocks are */
    for (size_t row = 0; row < ROWS; row++)
        assert_true(f->loss.losses[row] > 0.0f);
    close_fixture(f);
    return barriers;
}

TEST(loss_follows_logits_that_come_in_whole_rows)
{
    assert_int_equal(barriers_after(mb_tiling_rows(ROWS, 16)), 1);
    assert_int_equal(barriers_after(mb_tiling_rows(ROWS, 7)), 1);
    assert_int_equal(barriers_after(mb_tiling_matrix(ROWS, CLASSES, 16, 2)), 2);
}
