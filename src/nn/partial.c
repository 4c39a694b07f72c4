#include "nn/partial.h"

#include "nn/trainable.h"

#include <string.h>

/* Parameters of an update tile: their sum stays in the first cache. */
enum { RANGE = 1024 };

typedef struct update_op {
    const mb_layer *layer;
    mb_site site;
    mb_cut cut;
    const float *partials;
    size_t bundles, decayed;
} update_op;

static size_t place(const mb_layer *layer)
{
    return (layer->parameter_count + MB_LINE - 1) / MB_LINE * MB_LINE;
}

size_t mb_partial_numbers(const mb_layer *layer, size_t max_rows)
{
    return mb_cut_bundles(mb_cut_samples(max_rows)) * place(layer);
}

float *mb_partial_of(const mb_layer *layer, mb_cut cut, size_t sample, float *partials)
{
    float *partial = partials + sample / cut.bundle * place(layer);
    if (sample % cut.bundle == 0)
        memset(partial, 0, layer->parameter_count * sizeof *partial);
    return partial;
}

static void run_update(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const update_op *op = context;
    if (!*op->site.trainable->healthy)
        return;
    const mb_tile part = mb_cut_tile(op->cut, tile);
    const size_t first = part.column, end = first + part.columns;
    const size_t border = op->decayed < first ? first : op->decayed < end ? op->decayed : end;
    float gradient[RANGE];
    memcpy(gradient, op->partials + first, part.columns * sizeof *gradient);
    op->site.kernels->add_rows(op->bundles - 1, part.columns,
                               op->partials + place(op->layer) + first, place(op->layer), gradient);
    mb_trainable_update(op->site.trainable, op->layer, step->update, true, first, border - first,
                        gradient);
    mb_trainable_update(op->site.trainable, op->layer, step->update, false, border, end - border,
                        gradient + (border - first));
}

mb_status mb_partial_update(const mb_layer *layer, const mb_site *site, float *partials,
                            size_t decayed, size_t count, mb_error *error)
{
    update_op *op = mb_arena_take(site->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, layer->ops->name, sizeof *op);
    const mb_cut cut = {1, count, 1, RANGE, 1};
    *op = (update_op){.layer = layer,
                      .site = *site,
                      .cut = cut,
                      .partials = partials,
                      .bundles = mb_cut_bundles(mb_cut_samples(site->rows)),
                      .decayed = decayed};
    mb_phase phase = {
        .name = "update",
        .run = run_update,
        .op = op,
        .cut = cut,
        .uses = {{site->kept}, {site->trainable->healthy}, {layer->parameters, .writes = true}}};
    return mb_layer_add_phase(layer, site, &phase, error);
}
