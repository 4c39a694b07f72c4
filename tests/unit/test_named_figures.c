/* Figures and pages of classes with names, and of images of three channels. */
#include "report/canvas.h"
#include "report/page.h"
#include "report_fixture.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 256, NAME = 101 };
static char texts[MAX_CLASSES][NAME];
static const char *names[MAX_CLASSES];

/* Different names of about `size` bytes that begin with copies of `part`. */
static const char *const *make_names(const char *part, size_t size)
{
    for (size_t i = 0; i < MAX_CLASSES; i++) {
        size_t length = 0;
        for (; length + strlen(part) + 3 <= size; length += strlen(part))
            memcpy(texts[i] + length, part, strlen(part));
        snprintf(texts[i] + length, NAME - length, "%zu", i);
        names[i] = texts[i];
    }
    return names;
}

static const mb_figure *find(const mb_figures *figures, const char *file)
{
    for (size_t i = 0; i < figures->count; i++)
        if (strcmp(figures->list[i].file, file) == 0)
            return &figures->list[i];
    fail_msg("no %s", file);
    return NULL;
}

static void draw(const mb_test_report *made, mb_figures *figures)
{
    mb_error error = {MB_OK, ""};
    mb_figures_draw(&made->report, figures, &error);
    assert_string_equal(error.text, "");
}

/* Letters that the font lacks, too, and names that are cut short anywhere in a letter. */
TEST(names_of_all_lengths_are_drawn)
{
    static const char *const parts[] = {
        "a",         "W",       "\xc3\xa4", "\xe7\x8c\xab", "\xf0\x9f\x90\x88",
        "e\xcc\x81", "<b>&\"'", "% ",       "\xd8\xa7"};
    static const size_t sizes[] = {3, 20, 100}, classes[] = {2, 10, 26, 100, 256};
    for (size_t p = 0; p < TEST_COUNT(parts); p++)
        for (size_t s = 0; s < TEST_COUNT(sizes); s++)
            for (size_t c = p == 3 ? 0 : 1; c < (p == 3 ? TEST_COUNT(classes) : 2); c++) {
                mb_test_report_spec spec = mb_test_default_report_spec();
                mb_figures figures;
                spec.classes = classes[c];
                spec.images = 300;
                spec.rows = spec.columns = 8;
                spec.names = make_names(parts[p], sizes[s]);
                mb_test_report *made = mb_test_report_open(&spec);
                draw(made, &figures);
                assert_in_range(find(&figures, "confusion.svg")->width, 700, 1100);
                mb_figures_free(&figures);
                mb_test_report_close(made);
            }
}

TEST(texts_of_figures_have_the_names)
{
    mb_test_report_spec spec = mb_test_default_report_spec();
    mb_figures figures;
    spec.classes = 2;
    spec.wrong = 0.5;
    spec.names = (const char *const[]){"cat", "dog & co"};
    mb_test_report *made = mb_test_report_open(&spec);
    draw(made, &figures);
    assert_non_null(
        strstr(find(&figures, "confusion.svg")->text, "The most common mistake is class "));
    assert_non_null(strstr(find(&figures, "confusion.svg")->text, " predicted as "));
    assert_non_null(strstr(find(&figures, "confusion.svg")->text, "dog & co"));
    assert_non_null(strstr(find(&figures, "mistakes.png")->text, "cat (true dog & co), "));
    assert_non_null(strstr(find(&figures, "predictions.png")->text, "dog & co (true cat), "));
    mb_figures_free(&figures);
    mb_test_report_close(made);
}

TEST(pages_have_the_names_as_text)
{
    static const mb_figures none = {0};
    mb_test_report_spec spec = mb_test_default_report_spec();
    mb_bytes page = {0};
    spec.classes = 3;
    spec.names = (const char *const[]){"<script>", "\"a\" & 'b'", "\xe7\x8c\xab"};
    mb_test_report *made = mb_test_report_open(&spec);
    assert_int_equal(mb_page_make(&made->report, &none, &page, NULL), MB_OK);
    const char *text = (const char *)page.data;
    assert_null(strstr(text, "<script"));
    assert_non_null(
        strstr(text, "<data value=\"0\">0</data> <bdi class=\"label\">&lt;script&gt;</bdi>"));
    assert_non_null(strstr(text, "<bdi class=\"label\">&quot;a&quot; &amp; "));
    assert_non_null(strstr(text, "<bdi class=\"label\">\xe7\x8c\xab</bdi>"));
    free(page.data);
    mb_test_report_close(made);
}

/* ---- images of three channels ---- */

typedef struct reader {
    const mb_bytes *bytes;
    size_t done;
} reader;

static cairo_status_t read_some(void *closure, unsigned char *data, unsigned size)
{
    reader *r = closure;
    if (size > r->bytes->size - r->done)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, r->bytes->data + r->done, size);
    r->done += size;
    return CAIRO_STATUS_SUCCESS;
}

/* The number of pixels of this colour in a PNG. */
static size_t count_colour(const mb_figure *figure, uint32_t colour)
{
    reader r = {&figure->bytes, 0};
    cairo_surface_t *image = cairo_image_surface_create_from_png_stream(read_some, &r);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    const unsigned char *data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    size_t count = 0;
    for (size_t y = 0; y < figure->height; y++)
        for (size_t x = 0; x < figure->width; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + 4 * x, sizeof pixel);
            count += (pixel & 0xffffff) == colour;
        }
    cairo_surface_destroy(image);
    return count;
}

/* Red stripes on black; with a light ground the bytes are inverted, but not the picture. */
TEST(images_of_three_channels_are_drawn_in_color)
{
    for (int light = 0; light < 2; light++) {
        mb_test_report_spec spec = mb_test_default_report_spec();
        mb_figures figures;
        spec.color = true;
        mb_test_report *made = mb_test_report_open(&spec);
        made->dataset.form.ground = light ? MB_GROUND_LIGHT : MB_GROUND_DARK;
        draw(made, &figures);
        const mb_figure *figure = find(&figures, "predictions.png");
        assert_true(figure->natural && find(&figures, "weights.png")->natural);
        assert_false(find(&figures, "confusion.svg")->natural);
        const size_t red = count_colour(figure, 0xff0000), black = count_colour(figure, 0x000000);
        const size_t cyan = count_colour(figure, 0x00ffff);
        assert_in_range(light ? cyan : red, 48 * 28 * 28 * 9 / 4, 48 * 28 * 28 * 9 / 2);
        assert_int_equal(light ? red : cyan, 0);
        assert_true((light ? 0 : 48 * 28 * 28 * 9 / 2) <= black);
        mb_figures_free(&figures);
        mb_test_report_close(made);
    }
}

/* A kernel of three planes is one picture: gray where weights are 0. */
TEST(kernels_of_three_channels_are_drawn_in_color)
{
    static const char *const networks[] = {"conv2d:2x2,relu,flatten,dense:2", "dense:2"};
    for (size_t i = 0; i < TEST_COUNT(networks); i++) {
        mb_test_report_spec spec = mb_test_default_report_spec();
        mb_figures figures;
        float weights[2 * 3 * 4] = {0};
        spec.color = true;
        spec.classes = 2;
        spec.rows = spec.columns = i == 0 ? 4 : 2;
        spec.network = networks[i];
        mb_test_report *made = mb_test_report_open(&spec);
        for (size_t w = 0; w < 4; w++) {
            weights[w] = 0.5f;       /* red of the first */
            weights[20 + w] = -0.5f; /* blue of the second */
        }
        mb_network_set_tensor(made->network, 0, weights);
        draw(made, &figures);
        const mb_figure *figure = find(&figures, "weights.png");
        const size_t light = count_colour(figure, 0xff7f7f), dark = count_colour(figure, 0x7f7f00);
        assert_true(light > 1000);
        assert_int_equal(light, dark);
        assert_non_null(strstr(figure->text, "each with 3x2x2 weights, from -0.5 (dark) over 0 "
                                             "to 0.5 (light)."));
        mb_figures_free(&figures);
        mb_test_report_close(made);
    }
}
