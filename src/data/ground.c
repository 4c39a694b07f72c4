#include "data/ground.h"

#include <math.h>
#include <string.h>

/* The surface's terms (1, x, y, x^2, xy, y^2), and how often its fit is bettered. */
enum { TERMS = 6, FITS = 8 };
/* Medians are found in a histogram of this many bins a gray level. */
enum { BINS_A_LEVEL = 16, BINS = 256 * BINS_A_LEVEL };

typedef struct surface {
    double terms[TERMS];
    float noise; /* standard deviation of the ground from it; 0: a drawn ground of one gray */
} surface;

/* The margin: a tenth of the shorter side along every edge. */
static size_t margin_of(const mb_plane *plane)
{
    const size_t shorter = plane->rows < plane->columns ? plane->rows : plane->columns;
    return shorter / 10 + 1;
}

static bool in_margin(const mb_plane *plane, size_t row, size_t column)
{
    const size_t margin = margin_of(plane);
    return row < margin || column < margin || row + margin >= plane->rows ||
           column + margin >= plane->columns;
}

static double place(size_t i, size_t count)
{
    return count > 1 ? 2.0 * (double)i / (double)(count - 1) - 1.0 : 0.0;
}

static void terms_at(const mb_plane *plane, size_t row, size_t column, double terms[TERMS])
{
    const double x = place(column, plane->columns), y = place(row, plane->rows);
    const double values[TERMS] = {1.0, x, y, x * x, x * y, y * y};
    memcpy(terms, values, sizeof values);
}

static float ground_at(const mb_plane *plane, const surface *ground, size_t row, size_t column)
{
    double terms[TERMS], sum = 0.0;
    terms_at(plane, row, column, terms);
    for (size_t i = 0; i < TERMS; i++)
        sum += ground->terms[i] * terms[i];
    return (float)sum;
}

/* The lower median of the numbers counted in a histogram. */
static float median(const size_t bins[BINS], size_t count)
{
    size_t seen = 0, bin = 0;
    while (bin + 1 < BINS && (seen += bins[bin]) * 2 < count)
        bin++;
    return (float)bin / BINS_A_LEVEL;
}

static size_t bin_of(float value)
{
    const float bin = roundf(fabsf(value) * BINS_A_LEVEL);
    return bin < (float)BINS ? (size_t)bin : BINS - 1;
}

/* Whether three quarters of the margin are of one gray: then *gray is that. */
static bool is_even(const mb_plane *plane, float *gray)
{
    size_t bins[BINS] = {0}, count = 0, near = 0;
    for (size_t r = 0; r < plane->rows; r++)
        for (size_t c = 0; c < plane->columns; c++)
            if (in_margin(plane, r, c)) {
                bins[bin_of(plane->values[r * plane->columns + c])]++;
                count++;
            }
    *gray = median(bins, count);
    for (size_t bin = 0; bin < BINS; bin++)
        if (fabsf((float)bin / BINS_A_LEVEL - *gray) <= 1.0f)
            near += bins[bin];
    return 4 * near >= 3 * count;
}

/* Gauss with pivots; a term that nothing decides on, as in a picture one pixel wide, stays 0. */
static void solve(double matrix[TERMS][TERMS + 1], double solution[TERMS])
{
    for (size_t i = 0; i < TERMS; i++) {
        const double pivot = matrix[i][i]; /* of a matrix that is nowhere negative */
        for (size_t row = 0; row < TERMS && pivot > 1e-9; row++) {
            if (row == i)
                continue;
            const double factor = matrix[row][i] / pivot;
            for (size_t k = i; k <= TERMS; k++)
                matrix[row][k] -= factor * matrix[i][k];
        }
    }
    for (size_t i = 0; i < TERMS; i++)
        solution[i] = matrix[i][i] > 1e-9 ? matrix[i][TERMS] / matrix[i][i] : 0.0;
}

/* Least squares through the margin (reach 0), or through what lies within `reach` of *ground. */
static void fit(const mb_plane *plane, float reach, surface *ground)
{
    double matrix[TERMS][TERMS + 1] = {{0}}, terms[TERMS];
    for (size_t r = 0; r < plane->rows; r++)
        for (size_t c = 0; c < plane->columns; c++) {
            const float value = plane->values[r * plane->columns + c];
            if (reach > 0.0f ? fabsf(value - ground_at(plane, ground, r, c)) > reach
                             : !in_margin(plane, r, c))
                continue;
            terms_at(plane, r, c, terms);
            for (size_t i = 0; i < TERMS; i++) {
                for (size_t k = 0; k < TERMS; k++)
                    matrix[i][k] += terms[i] * terms[k];
                matrix[i][TERMS] += terms[i] * (double)value;
            }
        }
    solve(matrix, ground->terms);
}

/* From the median of the distances, which ink on less than half of the picture cannot spoil. */
static float noise_around(const mb_plane *plane, const surface *ground)
{
    size_t bins[BINS] = {0};
    for (size_t r = 0; r < plane->rows; r++)
        for (size_t c = 0; c < plane->columns; c++)
            bins[bin_of(plane->values[r * plane->columns + c] - ground_at(plane, ground, r, c))]++;
    const float noise = 1.4826f * median(bins, plane->rows * plane->columns);
    return noise > 0.25f ? noise : 0.25f; /* gray values are whole numbers */
}

static surface find_ground(const mb_plane *plane)
{
    surface ground = {{0}, 0.0f};
    float gray;
    if (is_even(plane, &gray)) {
        ground.terms[0] = (double)gray;
        return ground;
    }
    fit(plane, 0.0f, &ground);
    for (size_t i = 0; i < FITS; i++) {
        ground.noise = noise_around(plane, &ground);
        fit(plane, 3.0f * ground.noise + 1.0f, &ground);
    }
    ground.noise = noise_around(plane, &ground);
    return ground;
}

bool mb_find_ink(mb_plane *plane, mb_ink_levels *levels)
{
    const surface ground = find_ground(plane);
    const size_t count = plane->rows * plane->columns;
    double cubes = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double difference =
            (double)(plane->values[i] -
                     ground_at(plane, &ground, i / plane->columns, i % plane->columns));
        cubes += difference * difference * difference;
    }
    *levels = (mb_ink_levels){.dark = cubes < 0.0};
    for (size_t i = 0; i < count; i++) {
        const float paper = ground_at(plane, &ground, i / plane->columns, i % plane->columns);
        const float difference = plane->values[i] - paper;
        const float light = paper > 16.0f ? paper : 16.0f;
        const float ink = levels->dark ? -difference * 255.0f / light : difference;
        plane->values[i] = ink > 0.0f ? ink : 0.0f;
        levels->most = plane->values[i] > levels->most ? plane->values[i] : levels->most;
    }
    const bool drawn = ground.noise == 0.0f;
    levels->floor = drawn ? 1.0f : fmaxf(4.0f * ground.noise, 0.15f * levels->most);
    return levels->most > (drawn ? 4.0f : fmaxf(6.0f * ground.noise, 8.0f));
}
