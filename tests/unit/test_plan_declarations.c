/* The checker of plans (plan_check.h) finds phases that touch what they do not declare, and parts
 * of ranks that are not where tiles write. */
#include "plan_check.h"
#include "test.h"

#include <string.h>

/* ---- phases that are wrong ---- */

enum { CELLS = 8 };

static float cells[CELLS], sums[CELLS], others[CELLS];

static void copy_cell(const mb_tile_args *args) { sums[args->tile] = cells[args->tile] + 1.0f; }

static void read_next(const mb_tile_args *args)
{
    sums[args->tile] = cells[(args->tile + 1) % CELLS] + 1.0f;
}

static void write_next(const mb_tile_args *args)
{
    sums[args->tile] = cells[args->tile] + 1.0f;
    if (args->tile > 0)
        sums[args->tile - 1] += 1.0f;
}

static void read_other(const mb_tile_args *args)
{
    sums[args->tile] = cells[args->tile] + others[0];
}

static void write_other(const mb_tile_args *args)
{
    sums[args->tile] = cells[args->tile];
    others[args->tile] += 1.0f;
}

static void read_scratch(const mb_tile_args *args)
{
    sums[args->tile] = cells[args->tile] + *(float *)args->scratch;
}

static void fill_cell(const mb_tile_args *args) { cells[args->tile] += 1.0f; }

TEST(a_phase_that_touches_what_it_does_not_declare_is_found)
{
    static const struct {
        mb_tile_fn *run;
        const char *problem; /* "": none */
    } cases[] = {{copy_cell, ""},
                 {read_next, "second, tile 0: reads more than it declares: see sums"},
                 {write_next, "second, tile 1: writes another tile's part of sums"},
                 {read_other, "second, tile 0: reads more than it declares: see sums"},
                 {write_other, "second, tile 0: writes others"},
                 {read_scratch, "second, tile 0: reads more than it declares: see sums"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_plan plan = {0};
        mb_plan_check check = {.count = 0};
        const mb_tiling tiling = mb_tiling_rows(CELLS, 1);
        mb_plan_check_add(&check, cells, "cells", cells, sizeof cells, MB_CHECKED_FLOATS);
        mb_plan_check_add(&check, sums, "sums", sums, sizeof sums, MB_CHECKED_FLOATS);
        mb_plan_check_add(&check, others, "others", others, sizeof others, MB_CHECKED_FLOATS);
        mb_plan_add(&plan, &(mb_phase){.name = "first",
                                       .run = fill_cell,
                                       .tiling = tiling,
                                       .uses = {{cells, .writes = true, .own = true}}});
        mb_plan_add(&plan, &(mb_phase){.name = "second",
                                       .run = cases[i].run,
                                       .tiling = tiling,
                                       .scratch = sizeof(float),
                                       .uses = {{cells, .own = true},
                                                {sums, .writes = true, .own = true}}});
        const mb_step step = {0};
        assert_int_equal(mb_plan_check_run(&check, &plan, &step), cases[i].problem[0] == '\0');
        assert_string_equal(check.problem, cases[i].problem);
        mb_plan_free(&plan);
    }
}

/* ---- wrong parts of ranks ---- */

static void no_part(const void *op, mb_tile tile, mb_region *part)
{
    (void)op, (void)tile, (void)part;
}

static void whole_part(const void *op, mb_tile tile, mb_region *part)
{
    (void)op, (void)tile;
    mb_region_add(part, 0, sizeof sums);
}

static void add_up(const mb_tile_args *args)
{
    (void)args;
    others[0] = 0.0f;
    for (size_t i = 0; i < CELLS; i++)
        others[0] += sums[i];
}

static void copy_backward(const mb_tile_args *args)
{
    sums[CELLS - 1 - args->tile] = cells[args->tile] + 1.0f;
}

static void backward_part(const void *op, mb_tile tile, mb_region *part)
{
    (void)op;
    mb_region_add(part, (CELLS - 1 - tile.row) * sizeof *sums, sizeof *sums);
}

TEST(a_part_that_is_wrong_is_found)
{
    enum { CELL = sizeof(float) };
    static const char outside[] = "second, tile 0: writes outside of its rank's part of sums";
    static const char overlap[] =
        "second, tile 0: is of two ranks, with parts that overlap, of sums";
    static const char beyond[] = "second, tile 0: has a part beyond the end of sums";
    static const struct {
        mb_tile_fn *run;
        mb_tile_part part;
        const char *problem; /* "": none */
    } cases[] = {
        {copy_cell, {.row_bytes = CELL, .column_bytes = CELL}, ""},
        {copy_cell, {.chunk_bytes = CELL}, ""},
        {copy_backward, {.of_tile = backward_part}, ""},
        {copy_cell, {.row_bytes = CELL / 2, .column_bytes = CELL}, outside},
        {copy_cell, {.row_bytes = 2 * CELL, .column_bytes = CELL}, beyond},
        {copy_cell, {.chunk_bytes = CELL / 2}, outside},
        {copy_cell, {.chunk_bytes = CELL, .offset = CELL}, beyond},
        {copy_cell, {.of_tile = backward_part}, outside},
        {copy_cell, {.of_tile = no_part}, outside},
        {copy_backward, {.row_bytes = CELL, .column_bytes = CELL}, outside},
        {copy_cell, {.of_tile = whole_part}, overlap},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_plan plan = {0};
        mb_plan_check check = {.count = 0};
        const mb_tiling tiling = mb_tiling_rows(CELLS, 1);
        for (size_t n = 0; n < CELLS; n++)
            cells[n] = 3.1f * (float)(n + 1);
        memset(sums, 0x3f, sizeof sums);
        mb_plan_check_add(&check, cells, "cells", cells, sizeof cells, MB_CHECKED_FLOATS);
        mb_plan_check_add(&check, sums, "sums", sums, sizeof sums, MB_CHECKED_FLOATS);
        mb_plan_check_add(&check, others, "others", others, sizeof others, MB_CHECKED_FLOATS);
        mb_plan_add(&plan,
                    &(mb_phase){.name = "second",
                                .run = cases[i].run,
                                .tiling = tiling,
                                .uses = {{.buffer = cells},
                                         {.buffer = sums, .writes = true, .part = cases[i].part}}});
        mb_plan_add(&plan,
                    &(mb_phase){.name = "third",
                                .run = add_up,
                                .tiling = mb_tiling_one(),
                                .uses = {{.buffer = sums}, {.buffer = others, .writes = true}}});
        const mb_step step = {0};
        assert_int_equal(mb_plan_check_run(&check, &plan, &step), cases[i].problem[0] == '\0');
        assert_string_equal(check.problem, cases[i].problem);
        mb_plan_free(&plan);
    }
}

TEST_GROUP(NULL, NULL);
