#include "compare_print.h"

#include "text_width.h"

#include <stdio.h>

enum { GAP = 2, MIN_NAME = 3 }; /* columns */

static size_t widest(const char *const *texts, size_t count, size_t min)
{
    for (size_t i = 0; i < count; i++) {
        const size_t columns = mb_text_columns(texts[i]);
        min = columns > min ? columns : min;
    }
    return min;
}

/* Columns of the names of the runs: at most half of the width. */
static size_t name_columns(const mb_comparison *comparison, size_t width)
{
    const size_t columns = widest(comparison->names, comparison->runs, MIN_NAME);
    const size_t max = width / 2 > MIN_NAME ? width / 2 : MIN_NAME;
    return columns < max ? columns : max;
}

/* Columns of a value, and the gap before it, if `left` are left beside the name. */
static size_t value_columns(const mb_comparison *comparison, size_t index, size_t left)
{
    const mb_compared_value *value = &comparison->values[index];
    const size_t columns =
        GAP + widest(value->texts, comparison->runs, mb_text_columns(value->label));
    return columns < left || left < GAP + MIN_NAME ? columns : left;
}

/* Prints the values `first` .. `end` - 1 of a run, or their labels. */
static void print_row(const mb_comparison *comparison, size_t first, size_t end, size_t run,
                      size_t name, size_t left)
{
    const bool heading = run == comparison->runs;
    mb_text_print(heading ? "run" : comparison->names[run], name, false);
    for (size_t i = first; i < end; i++) {
        const mb_compared_value *value = &comparison->values[i];
        printf("%*s", GAP, "");
        mb_text_print(heading ? value->label : value->texts[run],
                      value_columns(comparison, i, left) - GAP, true);
    }
    putchar('\n');
}

static void print_values(const mb_comparison *comparison, size_t width)
{
    const size_t name = name_columns(comparison, width);
    const size_t left = width > name ? width - name : 0;
    for (size_t first = 0, end; first < comparison->value_count; first = end) {
        size_t taken = 0;
        for (end = first; end < comparison->value_count; end++) {
            const size_t columns = value_columns(comparison, end, left);
            if (end > first && taken + columns > left)
                break;
            taken += columns;
        }
        if (first > 0)
            putchar('\n');
        print_row(comparison, first, end, comparison->runs, name, left);
        for (size_t run = 0; run < comparison->runs; run++)
            print_row(comparison, first, end, run, name, left);
    }
}

static void print_pairs(const mb_comparison *comparison, size_t width)
{
    const size_t name = name_columns(comparison, width);
    const mb_run_pair *pairs = comparison->pairs;
    if (comparison->pair_count == 0)
        return;
    printf("\n%zu test images, by who is right: each run and the first, %s\n",
           pairs->both + pairs->only_first + pairs->only_run + pairs->neither,
           comparison->names[0]);
    mb_text_print("run", name, false);
    puts("     both  only first  only this  neither  McNemar's p");
    for (const mb_run_pair *pair = pairs; pair < pairs + comparison->pair_count; pair++) {
        mb_text_print(comparison->names[pair->run], name, false);
        printf("%9zu%12zu%11zu%9zu%13.3g\n", pair->both, pair->only_first, pair->only_run,
               pair->neither, pair->p_value);
    }
}

void mb_comparison_print_text(const mb_comparison *comparison, size_t width)
{
    print_values(comparison, width);
    print_pairs(comparison, width);
}
