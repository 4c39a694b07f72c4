/* ReLU: out = max(in, 0), in place. Its tiles are those of whoever wrote the matrix, so it follows
 * them in the same cache without a barrier. */
#include "nn/layer.h"

typedef struct relu_op {
    mb_site site;
    mb_cut cut;
} relu_op;

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    if (argument != NULL)
        return mb_fail(error, MB_INVALID, "relu takes no argument");
    if (layer->of_samples)
        return mb_fail(error, MB_INVALID,
                       "relu cannot be the first layer, nor the first but flatten");
    layer->out = layer->in;
    layer->placed_out = layer->placed_in;
    return MB_OK;
}

static void run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const relu_op *op = context;
    const mb_matrix z = op->site.out;
    const mb_tile part = mb_cut_tile_in(op->cut, tile, z.columns);
    op->site.kernels->relu(part.rows, part.columns, mb_matrix_row(&z, step, part.row) + part.column,
                           z.columns);
}

static void run_backward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const relu_op *op = context;
    const mb_matrix a = op->site.out, d = op->site.d_out;
    const mb_tile part = mb_cut_tile_in(op->cut, tile, a.columns);
    op->site.kernels->relu_gradient(part.rows, part.columns,
                                    mb_matrix_row(&a, step, part.row) + part.column,
                                    mb_matrix_row(&d, step, part.row) + part.column, a.columns);
}

static mb_status add_phase(const mb_layer *layer, const mb_site *site, const float *changed,
                           mb_phase phase, mb_error *error)
{
    relu_op *op = mb_arena_take(site->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "relu", sizeof *op);
    phase.cut = mb_plan_writer(site->plan, changed);
    phase.op = op;
    *op = (relu_op){*site, phase.cut};
    return mb_layer_add_phase(layer, site, &phase, error);
}

static mb_status forward(const mb_layer *layer, const mb_site *site, mb_error *error)
{
    return add_phase(layer, site, site->out.data,
                     (mb_phase){.name = "forward",
                                .run = run_forward,
                                .uses = {{site->out.data, .writes = true, .own = true}}},
                     error);
}

static mb_status backward(const mb_layer *layer, const mb_site *site, mb_error *error)
{
    return add_phase(layer, site, site->d_out.data,
                     (mb_phase){.name = "backward",
                                .run = run_backward,
                                .uses = {{site->out.data, .own = true},
                                         {site->d_out.data, .writes = true, .own = true}}},
                     error);
}

const mb_layer_ops mb_relu_ops = {
    .name = "relu",
    .in_place = true,
    .keeps_out = true,
    .configure = configure,
    .forward = forward,
    .backward = backward,
};
