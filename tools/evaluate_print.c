#include "evaluate_print.h"

#include "cli.h"
#include "text_width.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PAIRS = 10 }; /* that are listed */

/* Columns: of a label at least, of the scores and their blanks, of a count in the confusion matrix,
 * of the count of a pair. */
enum { MIN_LABEL = 5, SCORES = 40, CELL = 6, PAIR_COUNT = 9 };

/* Of each table: how its classes are called. */
typedef struct labels {
    const char *const *names; /* NULL: numbers */
    size_t columns;           /* of the widest, at least MIN_LABEL */
} labels;

/* The columns of the labels if others take `beside` of `width`. */
static size_t columns_beside(const labels *all, size_t beside, size_t width)
{
    const size_t left = width > beside + MIN_LABEL ? width - beside : MIN_LABEL;
    return all->columns < left ? all->columns : left;
}

/* Names begin at the left, numbers end at the right. */
static void print_label(const labels *all, const char *label, size_t columns)
{
    mb_text_print(label, columns, all->names == NULL);
}

static void print_class(const labels *all, size_t class_index, size_t columns)
{
    char number[MB_CLASS_NUMBER_SIZE];
    print_label(all, mb_class_label(all->names, class_index, number), columns);
}

static void print_score(const mb_class_score *score)
{
    if (score->support > 0)
        printf("  %11.2f%10.2f%8.2f", 100.0 * score->precision, 100.0 * score->recall,
               100.0 * score->f1);
    else
        printf("  %11s%10s%8s", "-", "-", "-");
    printf("%9zu\n", score->support);
}

static void print_scores(const mb_evaluation *evaluation, const labels *all, size_t width)
{
    const size_t columns = columns_beside(all, SCORES, width);
    putchar('\n');
    print_label(all, "class", columns);
    puts("  precision %  recall %    F1 %  support");
    for (size_t c = 0; c < evaluation->classes; c++) {
        print_class(all, c, columns);
        print_score(&evaluation->scores[c]);
    }
    print_label(all, "mean", columns);
    print_score(&evaluation->macro);
}

/* True if the beginnings of the names differ. */
static bool differ(const char *const *names, size_t classes, size_t columns)
{
    char one[MB_SHORT_TEXT_SIZE], other[MB_SHORT_TEXT_SIZE];
    for (size_t i = 0; i < classes; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(mb_text_shorten(names[i], columns, "", one),
                       mb_text_shorten(names[k], columns, "", other)) == 0)
                return false;
    return true;
}

/* The confusion matrix on a terminal. */
typedef struct matrix {
    size_t label, cell; /* columns of the class of a row, and of a count */
    size_t number;      /* of a class's number and a blank before its name; 0: none */
    bool named;         /* columns have the beginnings of the names, which differ; else numbers */
} matrix;

static matrix lay_out_matrix(const labels *all, size_t classes, size_t width)
{
    const size_t label = columns_beside(all, CELL * classes, width);
    const size_t fitting = (width - label) / classes;
    const size_t cell = fitting > all->columns + 1 ? all->columns + 1 : fitting;
    if (all->names == NULL)
        return (matrix){label, CELL, 0, false};
    if (cell >= CELL && differ(all->names, classes, cell - 1))
        return (matrix){label, cell, 0, true};
    const size_t number = mb_class_label_columns(NULL, classes) + 1;
    const labels numbered = {all->names, all->columns + number};
    return (matrix){columns_beside(&numbered, CELL * classes, width) - number, CELL, number, false};
}

static void print_confusion(const mb_evaluation *evaluation, const labels *all, size_t width)
{
    const size_t classes = evaluation->classes;
    const matrix m = lay_out_matrix(all, classes, width);
    char shown[MB_SHORT_TEXT_SIZE], number[MB_CLASS_NUMBER_SIZE];
    printf("\nconfusion matrix: a row a true class, a column a predicted one\n%*s",
           (int)(m.number + m.label), "");
    for (size_t c = 0; c < classes; c++) {
        const char *label = mb_class_label(m.named ? all->names : NULL, c, number);
        putchar(' ');
        mb_text_print(mb_text_shorten(label, m.cell - 1, "", shown), m.cell - 1, true);
    }
    putchar('\n');
    for (size_t truly = 0; truly < classes; truly++) {
        if (m.number > 0)
            printf("%*zu ", (int)m.number - 1, truly);
        print_class(all, truly, m.label);
        for (size_t predicted = 0; predicted < classes; predicted++)
            printf("%*zu", (int)m.cell, evaluation->confusion[truly * classes + predicted]);
        putchar('\n');
    }
}

/* Puts cell `cell` of the confusion matrix into the list of the largest, in descending order. */
static size_t add_pair(const size_t *confusion, size_t cell, size_t *pairs, size_t count)
{
    size_t place = count;
    for (; place > 0 && confusion[pairs[place - 1]] < confusion[cell]; place--)
        if (place < MAX_PAIRS)
            pairs[place] = pairs[place - 1];
    if (place < MAX_PAIRS)
        pairs[place] = cell;
    return count < MAX_PAIRS ? count + 1 : count;
}

static void print_pairs(const mb_evaluation *evaluation, const labels *all, size_t width)
{
    const size_t classes = evaluation->classes, *confusion = evaluation->confusion;
    size_t pairs[MAX_PAIRS], count = 0;
    for (size_t i = 0; i < classes * classes; i++)
        if (i / classes != i % classes && confusion[i] > 0)
            count = add_pair(confusion, i, pairs, count);
    const size_t half = (width - PAIR_COUNT - 2) / 2;
    const size_t truly = half < all->columns && half > MIN_LABEL ? half : all->columns;
    const size_t predicted = truly > strlen("predicted") ? truly : strlen("predicted");
    puts("\nmost confused classes; --json has the whole confusion matrix");
    print_label(all, "true", truly);
    fputs("  ", stdout);
    print_label(all, "predicted", predicted);
    puts("   images");
    for (size_t i = 0; i < count; i++) {
        print_class(all, pairs[i] / classes, truly);
        fputs("  ", stdout);
        print_class(all, pairs[i] % classes, predicted);
        printf("%9zu\n", confusion[pairs[i]]);
    }
}

void mb_evaluation_print_text(const mb_evaluation *evaluation, const char *const *names,
                              const char *model, size_t width)
{
    const size_t widest = mb_class_label_columns(names, evaluation->classes);
    const labels all = {names, widest > MIN_LABEL ? widest : MIN_LABEL};
    char path[PATH_MAX];
    printf("%s: accuracy %.2f %% (%zu of %zu), balanced accuracy %.2f %%, loss %.4f, "
           "calibration error %.2f %%\n",
           mb_printable(model, path, sizeof path), 100.0 * evaluation->accuracy,
           evaluation->correct, evaluation->samples, 100.0 * evaluation->macro.recall,
           evaluation->loss, 100.0 * evaluation->calibration_error);
    if (evaluation->threshold > 0.0)
        printf("probability of at least %.6g: %.2f %% of the images, %.2f %% of these wrong\n",
               evaluation->threshold, 100.0 * evaluation->coverage,
               100.0 * evaluation->selective_risk);
    print_scores(evaluation, &all, width);
    if (MIN_LABEL + CELL * evaluation->classes <= width)
        print_confusion(evaluation, &all, width);
    else
        print_pairs(evaluation, &all, width);
}

void mb_robustness_print_text(const mb_robustness *robustness)
{
    puts("\naccuracy on distorted images, by strength of the distortion");
    for (size_t c = 0; c < robustness->count; c++) {
        const mb_robustness_curve *curve = &robustness->curves[c];
        printf("%-26s", mb_robustness_option_table[curve->kind].label);
        for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++)
            printf("%9.4g", curve->strength[i]);
        printf("\n%-26s", "  accuracy %");
        for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++)
            printf("%9.2f", 100.0 * curve->accuracy[i]);
        putchar('\n');
    }
}
