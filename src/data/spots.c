#include "data/spots.h"

#include <stdlib.h>

/* Number 0 is no piece. */
typedef struct piece {
    double weight;
    float most;
} piece;

typedef struct search {
    const mb_plane *ink;
    float floor;
    size_t *numbers; /* (rows, columns) the piece of each pixel */
    size_t *open;    /* (rows, columns) pixels whose neighbours are still to be looked at */
    piece *pieces;   /* (rows * columns + 1) */
    size_t count;
} search;

/* Gives the neighbours of a pixel, and itself, the number of the piece, where they have none. */
static size_t join_around(search *s, size_t pixel, size_t number, size_t left)
{
    const size_t columns = s->ink->columns, row = pixel / columns, column = pixel % columns;
    for (size_t r = row > 0 ? row - 1 : 0; r <= row + 1 && r < s->ink->rows; r++)
        for (size_t c = column > 0 ? column - 1 : 0; c <= column + 1 && c < columns; c++) {
            const size_t other = r * columns + c;
            const float value = s->ink->values[other];
            if (s->numbers[other] != 0 || !(value > s->floor))
                continue;
            piece *own = &s->pieces[number];
            s->numbers[other] = number;
            own->weight += (double)value;
            own->most = value > own->most ? value : own->most;
            s->open[left++] = other;
        }
    return left;
}

static void find_pieces(search *s)
{
    const size_t pixels = s->ink->rows * s->ink->columns;
    for (size_t i = 0; i < pixels; i++) {
        if (s->numbers[i] != 0 || !(s->ink->values[i] > s->floor))
            continue;
        const size_t number = ++s->count;
        size_t left = join_around(s, i, number, 0);
        while (left > 0) {
            left--;
            left = join_around(s, s->open[left], number, left);
        }
    }
}

static void clear_others(const search *s, float most, mb_plane *ink)
{
    double heaviest = 0.0;
    for (size_t i = 1; i <= s->count; i++)
        if (s->pieces[i].most >= 0.25f * most && s->pieces[i].weight > heaviest)
            heaviest = s->pieces[i].weight;
    for (size_t i = 0; i < ink->rows * ink->columns; i++) {
        const piece *own = &s->pieces[s->numbers[i]];
        if (own->most < 0.25f * most || own->weight < 0.02 * heaviest)
            ink->values[i] = 0.0f;
    }
}

bool mb_spots_clear(mb_plane *ink, float floor, float most)
{
    const size_t pixels = ink->rows * ink->columns;
    search s = {.ink = ink, .floor = floor};
    s.numbers = calloc(pixels, sizeof *s.numbers);
    s.open = calloc(pixels, sizeof *s.open);
    s.pieces = calloc(pixels + 1, sizeof *s.pieces);
    const bool taken = s.numbers != NULL && s.open != NULL && s.pieces != NULL;
    if (taken) {
        find_pieces(&s);
        clear_others(&s, most, ink);
    }
    free(s.numbers);
    free(s.open);
    free(s.pieces);
    return taken;
}
