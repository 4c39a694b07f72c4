#include "nn/loss.h"

#include <math.h>
#include <string.h>

/* Rows of a tile, unless the logits are written in other blocks of rows. */
enum { LOSS_ROWS = 16 };

typedef struct stats_data {
    mb_loss loss;
    mb_epoch_stats *stats;
} stats_data;

mb_status mb_loss_open(size_t max_rows, mb_arena *arena, mb_loss *loss, mb_error *error)
{
    loss->losses = mb_arena_alloc(arena, max_rows, sizeof *loss->losses);
    loss->predicted = mb_arena_alloc(arena, max_rows, sizeof *loss->predicted);
    return loss->losses != NULL && loss->predicted != NULL
               ? MB_OK
               : mb_fail_memory(error, "loss", max_rows * sizeof *loss->losses);
}

static double entropy_term(double p) { return p > 0.0 ? -p * log(p) : 0.0; }

/* A class with the weight w, of 1 / w times as many samples as one with the weight 1. */
double mb_loss_min(double label_smoothing, size_t classes, const float *class_weights)
{
    double sum = 0.0, others = 0.0, spread = 0.0;
    size_t count = 0;
    for (size_t c = 0; c < classes; c++) {
        const double part = (class_weights != NULL ? (double)class_weights[c] : 1.0) *
                            label_smoothing / (double)classes;
        spread += part;
        others += entropy_term(part);
    }
    for (size_t c = 0; c < classes && label_smoothing > 0.0; c++) {
        const double weight = class_weights != NULL ? (double)class_weights[c] : 1.0;
        const double part = weight * label_smoothing / (double)classes;
        const double right = (1.0 - label_smoothing) * weight + part;
        const double whole = spread - part + right;
        if (!(weight > 0.0))
            continue;
        sum += (others - entropy_term(part) + entropy_term(right) - entropy_term(whole)) / weight;
        count++;
    }
    return count > 0 ? sum / (double)count : 0.0;
}

static void run_softmax(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_loss *loss = op->data;
    const mb_trainable *trainable = op->ctx.trainable;
    const size_t classes = op->ctx.out.columns;
    const mb_tile part = mb_tile_part_in(args, classes);
    const float *logits = op->ctx.out.data + part.row * classes;
    const uint8_t *labels = op->ctx.batch->labels + part.row;
    const float smoothing = trainable != NULL ? (float)trainable->label_smoothing : 0.0f;
    float *gradient = trainable != NULL ? op->ctx.d_out.data + part.row * classes : NULL;
    if (trainable != NULL && trainable->class_weights != NULL)
        op->ctx.kernels->weighted_cross_entropy(
            part.rows, classes, logits, labels, trainable->class_weights,
            (float)(1.0 / args->step->weight), smoothing, gradient, loss->losses + part.row,
            loss->predicted + part.row);
    else
        op->ctx.kernels->softmax_cross_entropy(part.rows, classes, logits, labels,
                                               1.0f / (float)op->ctx.rows, smoothing, gradient,
                                               loss->losses + part.row, loss->predicted + part.row);
}

/* One value per sample. */
static mb_use writes_rows(const void *values, size_t size)
{
    mb_use use = mb_writes_own(values);
    use.part.row_bytes = use.part.column_bytes = size;
    return use;
}

void mb_loss_plan(const mb_loss *loss, const mb_layer_context *ctx)
{
    const mb_tiling writer = mb_plan_writer(ctx->plan, ctx->out.data);
    mb_tiling rows = mb_tiling_rows(ctx->rows, LOSS_ROWS);
    rows.sample_chunk = writer.sample_chunk;
    const mb_use d_out = ctx->trainable != NULL ? mb_writes_rows(&ctx->d_out) : (mb_use){0};
    mb_layer_add_phase(NULL, ctx, "softmax", run_softmax, mb_tiling_is_rows(writer) ? writer : rows,
                       MB_USES(mb_reads_rows(&ctx->out), mb_reads(ctx->batch->labels),
                               writes_rows(loss->losses, sizeof *loss->losses),
                               writes_rows(loss->predicted, sizeof *loss->predicted), d_out),
                       0, loss);
}

double mb_confidence(const float *logits, size_t classes, size_t predicted)
{
    double sum = 0.0;
    for (size_t c = 0; c < classes; c++)
        sum += exp((double)logits[c] - (double)logits[predicted]);
    return 1.0 / sum;
}

void mb_confidence_stats_add(mb_confidence_stats *stats, double confidence, bool correct)
{
    const size_t number = (size_t)(confidence * MB_CONFIDENCE_BINS);
    mb_confidence_bin *bin = &stats->bins[mb_min_size(number, MB_CONFIDENCE_BINS - 1)];
    bin->samples++;
    bin->correct += correct;
    bin->confidence += confidence;
    if (stats->threshold > 0.0f && (float)confidence >= stats->threshold) {
        stats->accepted++;
        stats->accepted_correct += correct;
    }
}

static void run_stats(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const stats_data *data = op->data;
    mb_epoch_stats *stats = data->stats;
    const uint8_t *labels = op->ctx.batch->labels, *predicted = data->loss.predicted;
    const size_t rows = op->ctx.rows, classes = op->ctx.out.columns;
    const mb_trainable *trainable = op->ctx.trainable;
    const bool weighted = trainable != NULL && trainable->class_weights != NULL;
    double loss = 0.0;
    size_t correct = 0;
    for (size_t row = 0; row < rows; row++) {
        loss += (double)data->loss.losses[row];
        correct += predicted[row] == labels[row];
    }
    if (!isfinite(loss)) {
        stats->finite = false;
        return;
    }
    for (size_t row = 0; stats->confusion != NULL && row < rows; row++)
        stats->confusion[labels[row] * classes + predicted[row]]++;
    for (size_t row = 0; stats->confidence != NULL && row < rows; row++)
        mb_confidence_stats_add(
            stats->confidence,
            mb_confidence(op->ctx.out.data + row * classes, classes, predicted[row]),
            predicted[row] == labels[row]);
    if (stats->step_loss != NULL)
        stats->step_loss[stats->steps] =
            (float)(loss / (weighted ? args->step->weight : (double)rows));
    stats->loss += loss;
    stats->correct += correct;
    stats->samples += rows;
    stats->steps++;
}

void mb_epoch_stats_plan(const mb_loss *loss, mb_epoch_stats *stats, const mb_layer_context *ctx)
{
    stats_data *data = mb_arena_alloc(ctx->arena, 1, sizeof *data);
    if (data == NULL)
        return;
    *data = (stats_data){*loss, stats};
    const float *logits = ctx->trainable == NULL ? ctx->out.data : NULL; /* for confidences */
    mb_layer_add_phase_on_each_rank(NULL, ctx, "statistics", run_stats, mb_tiling_one(),
                                    MB_USES(mb_reads(loss->losses), mb_reads(loss->predicted),
                                            mb_reads(logits), mb_reads(ctx->batch->labels),
                                            mb_writes(&stats->finite)),
                                    0, data);
}
