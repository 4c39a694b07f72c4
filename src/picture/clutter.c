#include "picture/clutter.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int min_of(int a, int b) { return a < b ? a : b; }
static int max_of(int a, int b) { return a > b ? a : b; }

/* Components of a binary picture. */
typedef struct parts {
    PIXA *pixels;
    BOXA *boxes;
    NUMA *areas;
    int count;
} parts;

static parts parts_of(PIX *binary)
{
    parts all = {0};
    all.boxes = pixConnComp(binary, &all.pixels, 8);
    all.areas = pixaCountPixels(all.pixels);
    all.count = all.areas != NULL ? boxaGetCount(all.boxes) : 0;
    return all;
}

static void free_parts(parts *all)
{
    pixaDestroy(&all->pixels);
    boxaDestroy(&all->boxes);
    numaDestroy(&all->areas);
}

/* Sets the pixels of component `i` in `binary` to 0 (PIX_NOT(PIX_SRC) & PIX_DST) or 1. */
static void put_part(PIX *binary, const parts *all, int i, int operation)
{
    int left = 0, top = 0, width = 0, height = 0;
    PIX *pixels = pixaGetPix(all->pixels, i, L_CLONE);
    boxaGetBoxGeometry(all->boxes, i, &left, &top, &width, &height);
    pixRasterop(binary, left, top, width, height, operation, pixels, 0, 0);
    pixDestroy(&pixels);
}

static double area_of(const parts *all, int i)
{
    float area = 0.0f;
    numaGetFValue(all->areas, i, &area);
    return (double)area;
}

/* Range of a component across (axis 0) or down (axis 1). */
static void range_of(const parts *all, int i, int axis, int *begin, int *end)
{
    int at[2] = {0, 0}, size[2] = {0, 0};
    boxaGetBoxGeometry(all->boxes, i, &at[0], &at[1], &size[0], &size[1]);
    *begin = at[axis];
    *end = at[axis] + size[axis];
}

static bool at_edge(const parts *all, int i, PIX *binary)
{
    int left, right, top, bottom;
    range_of(all, i, 0, &left, &right);
    range_of(all, i, 1, &top, &bottom);
    const int width = pixGetWidth(binary), height = pixGetHeight(binary);
    const int margin = max_of(width, height) / 50;
    return left <= margin || top <= margin || right >= width - margin || bottom >= height - margin;
}

/* The largest component, preferably one inside of the picture: at its edge are shadows. */
static int main_part(const parts *all, PIX *binary)
{
    int largest = 0, inside = -1;
    for (int i = 0; i < all->count; i++) {
        if (area_of(all, i) > area_of(all, largest))
            largest = i;
        if (!at_edge(all, i, binary) && (inside < 0 || area_of(all, i) > area_of(all, inside)))
            inside = i;
    }
    return inside >= 0 && area_of(all, inside) >= 0.3 * area_of(all, largest) ? inside : largest;
}

/* True if component `i` is within a quarter of the size of `near` from its box. */
static bool is_near(const parts *all, int i, int near)
{
    int begin[2], end[2], from, to, size = 0;
    for (int axis = 0; axis < 2; axis++) {
        range_of(all, near, axis, &begin[axis], &end[axis]);
        size = max_of(size, end[axis] - begin[axis]);
    }
    for (int axis = 0; axis < 2; axis++) {
        range_of(all, i, axis, &from, &to);
        if (4 * (from - end[axis]) > size || 4 * (begin[axis] - to) > size)
            return false;
    }
    return true;
}

void mb_remove_specks(PIX *ink)
{
    parts all = parts_of(ink);
    const int main = main_part(&all, ink);
    const bool inside = all.count > 0 && !at_edge(&all, main, ink);
    for (int i = 0; i < all.count; i++) {
        const bool far = !is_near(&all, i, main), shadow = inside && at_edge(&all, i, ink);
        const double min = far && shadow ? 1.0 : far ? 0.2 : shadow ? 0.1 : 0.02;
        if (area_of(&all, i) < min * area_of(&all, main))
            put_part(ink, &all, i, PIX_NOT(PIX_SRC) & PIX_DST);
    }
    free_parts(&all);
}

/* --- lines --- */

/* Opens (value 1) or closes (value 0) the rows of `binary`: inverts runs of `value` that are
 * shorter than `min`, except runs of 0 at the edge. pixOpenBrick's time is proportional to `min`.
 */
static void clear_runs(PIX *binary, unsigned value, int min)
{
    const int width = pixGetWidth(binary);
    for (int y = 0; binary != NULL && y < pixGetHeight(binary); y++) {
        l_uint32 *line = pixGetData(binary) + (size_t)y * (size_t)pixGetWpl(binary);
        for (int begin = 0, end = 0; begin < width; begin = end) {
            const unsigned bit = GET_DATA_BIT(line, begin);
            while (end < width && GET_DATA_BIT(line, end) == bit)
                end++;
            const bool between = bit != 0 || (begin > 0 && end < width);
            for (int x = begin; bit == value && between && end - begin < min && x < end; x++)
                SET_DATA_BIT_VAL(line, x, 1 - bit);
        }
    }
}

/* Runs of pixels in rows, long and thin, as components that may lean a little. */
static PIX *thin_runs(PIX *ink, int thickness)
{
    PIX *runs = pixCopy(NULL, ink);
    clear_runs(runs, 1, max_of(3 * thickness, pixGetWidth(ink) / 10));
    PIX *thick = pixOpenBrick(NULL, runs, 1, thickness + 1);
    pixSubtract(runs, runs, thick);
    pixDestroy(&thick);
    return runs;
}

/* Box of all components except specks: false if there are none. */
static bool box_of(PIX *ink, int *left, int *right)
{
    PIX *rest = pixCopy(NULL, ink);
    BOX *box = NULL;
    int top, height;
    mb_remove_specks(rest);
    pixClipToForeground(rest, NULL, &box);
    const bool found = box != NULL;
    if (found) {
        boxGetGeometry(box, left, &top, right, &height);
        *right += *left;
    }
    boxDestroy(&box);
    pixDestroy(&rest);
    return found;
}

/* Removes from `lines` components that are shorter than 0.7 of the picture, or that do not go
 * beyond the rest of the ink at both ends: strokes of a digit end with it. */
static void select_lines(PIX *lines, PIX *rest, int thickness)
{
    int first = 0, end = 0, left, right;
    const int width = pixGetWidth(lines);
    PIX *joined = pixDilateBrick(NULL, lines, 1, 5), *selected = pixCreateTemplate(lines);
    clear_runs(joined, 0, 3 * width / 5 | 1);
    parts all = parts_of(joined);
    if (box_of(rest, &first, &end))
        for (int i = 0; i < all.count; i++) {
            range_of(&all, i, 0, &left, &right);
            if (right - left >= 0.7 * width && (left == 0 || left + 2 * thickness < first) &&
                (right == width || right - 2 * thickness > end))
                put_part(selected, &all, i, PIX_SRC | PIX_DST);
        }
    pixAnd(lines, lines, selected);
    free_parts(&all);
    pixDestroy(&joined);
    pixDestroy(&selected);
}

/* Lines of rows, with their blurred edges, without the ink that crosses them: which has ink above
 * and below. */
static PIX *lines_across(PIX *ink, PIX *rest, int thickness)
{
    PIX *lines = thin_runs(ink, thickness);
    select_lines(lines, rest, thickness);
    mb_pix_replace(&lines, pixDilateBrick(NULL, lines, 3, 3));
    PIX *without = pixSubtract(NULL, ink, lines);
    PIX *crossing = pixCloseSafeBrick(NULL, without, 1, 2 * thickness + 5);
    pixSubtract(lines, lines, crossing);
    pixDestroy(&without);
    pixDestroy(&crossing);
    return lines;
}

static PIX *transposed(PIX *pix)
{
    PIX *swapped = pixRotate90(pix, 1), *flipped = pixFlipLR(NULL, swapped);
    pixDestroy(&swapped);
    return flipped;
}

/* True if component `i` has another of 0.3 of its height in one of its holes: a frame, a circle. */
static bool encloses_drawing(const parts *all, int i, PIX *ink)
{
    int left = 0, top = 0, width = 0, height = 0;
    bool encloses = false;
    PIX *pixels = pixaGetPix(all->pixels, i, L_CLONE), *inner = pixHolesByFilling(pixels, 4);
    boxaGetBoxGeometry(all->boxes, i, &left, &top, &width, &height);
    pixRasterop(inner, 0, 0, width, height, PIX_SRC & PIX_DST, ink, left, top);
    BOXA *boxes = pixConnComp(inner, NULL, 8);
    for (int b = 0; b < boxaGetCount(boxes); b++) {
        int inner_height = 0;
        boxaGetBoxGeometry(boxes, b, NULL, NULL, NULL, &inner_height);
        encloses = encloses || inner_height > 0.3 * height;
    }
    boxaDestroy(&boxes);
    pixDestroy(&inner);
    pixDestroy(&pixels);
    return encloses;
}

static void add_frames(PIX *lines, PIX *ink)
{
    parts all = parts_of(ink);
    for (int i = 0; i < all.count; i++) {
        int top, bottom;
        range_of(&all, i, 1, &top, &bottom);
        if (bottom - top > 0.3 * pixGetHeight(ink) && encloses_drawing(&all, i, ink))
            put_part(lines, &all, i, PIX_SRC | PIX_DST);
    }
    free_parts(&all);
}

PIX *mb_lines_of(PIX *ink)
{
    const int thickness = max_of(2, max_of(pixGetWidth(ink), pixGetHeight(ink)) / 50);
    PIX *swapped = transposed(ink), *across = thin_runs(ink, thickness),
        *down = thin_runs(swapped, thickness);
    mb_pix_replace(&down, transposed(down));
    PIX *rest = pixSubtract(NULL, ink, across);
    pixSubtract(rest, rest, down);
    mb_pix_replace(&across, lines_across(ink, rest, thickness));
    mb_pix_replace(&rest, transposed(rest));
    mb_pix_replace(&down, lines_across(swapped, rest, thickness));
    mb_pix_replace(&down, transposed(down));
    pixOr(across, across, down);
    add_frames(across, ink);
    pixDestroy(&swapped);
    pixDestroy(&down);
    pixDestroy(&rest);
    return across;
}

/* --- digits --- */

/* Components beside which there is a gap. */
typedef struct group {
    int left, right, top, bottom;
    int tallest; /* height of a component */
    double area;
} group;

static group group_of(const parts *all, int i)
{
    group of = {.area = area_of(all, i)};
    range_of(all, i, 0, &of.left, &of.right);
    range_of(all, i, 1, &of.top, &of.bottom);
    of.tallest = of.bottom - of.top;
    return of;
}

/* Adds `one`, joined with the groups that are not a gap away from it. Returns the number of groups.
 */
static int add_to_groups(group *groups, int count, group one, int gap)
{
    int left = 0;
    for (int g = 0; g < count; g++) {
        const group *other = &groups[g];
        if (other->left < one.right + gap && one.left < other->right + gap)
            one = (group){min_of(one.left, other->left),       max_of(one.right, other->right),
                          min_of(one.top, other->top),         max_of(one.bottom, other->bottom),
                          max_of(one.tallest, other->tallest), one.area + other->area};
        else
            groups[left++] = *other;
    }
    groups[left] = one;
    return left + 1;
}

int mb_count_digits(PIX *ink)
{
    enum { MAX = 64 };
    group groups[MAX];
    int count = 0, alike = 0, size = 0, top = INT_MAX, bottom = 0;
    double area = 0.0;
    parts all = parts_of(ink);
    for (int i = 0; i < all.count; i++) {
        int from, to;
        range_of(&all, i, 1, &from, &to);
        top = from < top ? from : top;
        bottom = max_of(bottom, to);
    }
    for (int i = 0; i < all.count && i < MAX; i++)
        count = add_to_groups(groups, count, group_of(&all, i), (bottom - top) / 12);
    for (int g = 0; g < count; g++) {
        size = max_of(size, groups[g].bottom - groups[g].top);
        area = fmax(area, groups[g].area);
    }
    for (int g = 0; g < count; g++)
        alike += groups[g].bottom - groups[g].top > 0.6 * size && groups[g].tallest > 0.5 * size &&
                 groups[g].area > 0.2 * area;
    free_parts(&all);
    return alike;
}
