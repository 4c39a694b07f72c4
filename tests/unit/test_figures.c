#include "report/canvas.h"
#include "report_fixture.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a figure, as cairo's reader consumes them. */
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

static cairo_surface_t *decode(const mb_figure *figure)
{
    reader r = {&figure->bytes, 0};
    cairo_surface_t *image = cairo_image_surface_create_from_png_stream(read_some, &r);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(image), figure->width);
    assert_int_equal(cairo_image_surface_get_height(image), figure->height);
    return image;
}

/* Gray value of a pixel, 0 .. 255. */
static double gray(cairo_surface_t *image, size_t x, size_t y)
{
    const unsigned char *data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    uint32_t pixel;
    memcpy(&pixel, data + y * stride + 4 * x, sizeof pixel);
    return 0.299 * (double)(pixel >> 16 & 255) + 0.587 * (double)(pixel >> 8 & 255) +
           0.114 * (double)(pixel & 255);
}

static void check_png(const mb_figure *figure, double darkest_allowed)
{
    cairo_surface_t *image = decode(figure);
    double darkest = 255.0;
    size_t white = 0;
    for (size_t y = 0; y < figure->height; y++) {
        for (size_t x = 0; x < figure->width; x++) {
            darkest = fmin(darkest, gray(image, x, y));
            white += gray(image, x, y) > 254.0;
        }
        assert_true(gray(image, 0, y) > 254.0); /* nothing is drawn over the edges */
        assert_true(gray(image, figure->width - 1, y) > 254.0);
    }
    assert_true(darkest < darkest_allowed);
    assert_true(white > figure->width * figure->height / 20);
    cairo_surface_destroy(image);
}

static void check_svg(const mb_figure *figure)
{
    char size[96];
    char *text = strndup((const char *)figure->bytes.data, figure->bytes.size);
    assert_non_null(text);
    assert_memory_equal(text, "<?xml ", 6);
    /* with a unit or, from later versions of cairo, without */
    snprintf(size, sizeof size, "width=\"%zupx\" height=\"%zupx\"", figure->width, figure->height);
    bool stated = strstr(text, size) != NULL;
    snprintf(size, sizeof size, "width=\"%zu\" height=\"%zu\"", figure->width, figure->height);
    stated |= strstr(text, size) != NULL;
    assert_true(stated);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
}

enum { LOSS, LOSS_PNG, PREDICTIONS, MISTAKES, CONFUSION, RELIABILITY, WEIGHTS, AUGMENTED };

/* Draws and checks all figures of a run, for mb_figures_free. */
static mb_figures draw(const mb_report *report)
{
    static const char *const names[] = {"loss.svg",     "loss.png",      "predictions.png",
                                        "mistakes.png", "confusion.svg", "reliability.svg",
                                        "weights.png",  "augmented.png"};
    const bool augmented = report->run->options->augmentation.kind != MB_AUGMENT_NONE;
    mb_figures figures;
    mb_error error = {0};
    if (mb_figures_draw(report, &figures, &error) != MB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(figures.count, augmented ? 8 : 7);
    for (size_t i = 0; i < figures.count; i++) {
        const mb_figure *figure = &figures.list[i];
        const bool svg = strstr(names[i], ".svg") != NULL;
        assert_string_equal(figure->file, names[i]);
        assert_int_equal(figure->on_page, i != LOSS_PNG);
        assert_true(strlen(figure->title) > 0 && strlen(figure->text) > 20);
        assert_null(strchr(figure->text, '\n'));
        assert_null(strstr(figure->text, "nan"));
        assert_int_equal(figure->format, svg ? MB_FIGURE_SVG : MB_FIGURE_PNG);
        assert_in_range(figure->width, 700, 1000);
        assert_in_range(figure->height, 80, 1000);
        if (svg)
            check_svg(figure);
        else /* a training image of one pixel may be light */
            check_png(figure, i == AUGMENTED ? 160.0 : 80.0);
    }
    return figures;
}

TEST(texts_have_the_results)
{
    mb_test_report *made = mb_test_report_open(NULL);
    mb_figures figures = draw(&made->report);
    char texts[7][64] = {"over 500 steps",
                         "",
                         "48 of 200 test images",
                         "",
                         "",
                         "differ by 0.00 % in the mean",
                         "128 units, each with 28x28 weights"};
    snprintf(texts[1], sizeof texts[1], "to %.2f %% after 5 epochs",
             100.0 * made->history.epochs[4].test_accuracy);
    snprintf(texts[3], sizeof texts[3], "%zu mistakes in 200 test images",
             200 - made->evaluation.correct);
    snprintf(texts[4], sizeof texts[4], "%zu of them on the diagonal", made->evaluation.correct);
    for (size_t i = 0; i < TEST_COUNT(texts); i++)
        assert_non_null(strstr(figures.list[i].text, texts[i]));
    assert_string_equal(figures.list[LOSS].text, figures.list[LOSS_PNG].text);
    mb_figures_free(&figures);
    assert_int_equal(figures.count, 0);
    mb_test_report_close(made);
}

TEST(unusual_runs_are_drawn)
{
    static const mb_test_report_spec cases[] = {
        {"mlp", 28, 28, 10, 200, 1, 100, 0.1, 2.3, 0.02, false, false, NULL},
        {"mlp", 1, 1, 2, 200, 5, 100, 0.1, 2.3, 0.02, false, false, NULL},
        {"mlp", 300, 7, 256, 200, 5, 100, 0.1, 2.3, 0.02, true, false, NULL},
        {"mlp", 7, 300, 31, 200, 5, 100, 0.1, 2.3, 0.02, false, false, NULL},
        {"mlp", 28, 28, 30, 200, 5, 100, 0.0, 2.3, 0.02, false, false, NULL},
        {"dense:10", 28, 28, 10, 200, 5, 100, 1.0, 2.3, 0.02, false, false, NULL},
        {"mlp", 28, 28, 10, 1, 5, 1, 0.1, 2.3, 0.02, false, false, NULL},
        {"mlp", 28, 28, 10, 200, 1000, 9, 0.1, 1e-7, 1e-7, false, false, NULL},
        {"dense:200,relu,dense:10", 256, 256, 10, 200, 5, 100, 0.1, 2.3, 1e-7, false, false, NULL},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_test_report *made = mb_test_report_open(&cases[i]);
        mb_figures figures = draw(&made->report);
        assert_true((strstr(figures.list[MISTAKES].text, "No mistakes") != NULL) ==
                    (made->evaluation.correct == made->evaluation.samples));
        mb_figures_free(&figures);
        mb_test_report_close(made);
    }
}

/* A run with augmentation has a figure of its training images, here the test images. */
TEST(augmented_images_are_shown)
{
    static const size_t sizes[][3] = {{28, 28, 10}, {1, 1, 2}, {300, 7, 256}, {256, 256, 3}};
    for (size_t i = 0; i < 2 * TEST_COUNT(sizes); i++) {
        const bool elastic = i % 2 == 1;
        mb_test_report_spec spec = mb_test_default_report_spec();
        spec.rows = sizes[i / 2][0];
        spec.columns = sizes[i / 2][1];
        spec.classes = sizes[i / 2][2];
        mb_test_report *made = mb_test_report_open(&spec);
        made->options.augmentation.kind = elastic ? MB_AUGMENT_ELASTIC : MB_AUGMENT_AFFINE;
        made->options.augmentation.plain_epochs = i / 2;
        made->options.validation = 100;
        made->dataset.train = made->dataset.test;
        mb_figures figures = draw(&made->report);
        const char *text = figures.list[AUGMENTED].text;
        assert_non_null(strstr(text, "10 training images"));
        assert_non_null(strstr(text, "augmented in the first 5 epochs ("));
        assert_true((strstr(text, "elastic-sigma 4") != NULL) == elastic);
        assert_true((strstr(text, ", plain-epochs 2)") != NULL) == (i / 2 == 2));
        mb_figures_free(&figures);
        mb_test_report_close(made);
    }
}

/* A run that stopped after 5 of `planned` epochs, the last two of which are plain. */
static mb_figures draw_augmented(size_t planned)
{
    mb_test_report *made = mb_test_report_open(NULL);
    made->options.augmentation =
        (mb_augmentation){MB_AUGMENT_AFFINE, .shift = 2, .plain_epochs = 2};
    made->dataset.train = made->dataset.test;
    made->options.epochs = planned;
    const mb_figures figures = draw(&made->report);
    mb_test_report_close(made);
    return figures;
}

TEST(plain_epochs_that_a_run_did_not_reach_are_not_shown)
{
    mb_figures reached = draw_augmented(5), not_reached = draw_augmented(7);
    mb_figures far = draw_augmented(100);
    const mb_bytes augmented = not_reached.list[AUGMENTED].bytes;
    assert_int_equal(augmented.size, far.list[AUGMENTED].bytes.size);
    assert_memory_equal(augmented.data, far.list[AUGMENTED].bytes.data, augmented.size);
    assert_int_not_equal(augmented.size, reached.list[AUGMENTED].bytes.size);
    mb_figures_free(&reached);
    mb_figures_free(&not_reached);
    mb_figures_free(&far);
}

/* The last column of rows y .. y+9 with a pixel that is not white. */
static size_t right_edge(const mb_figure *figure, size_t y)
{
    cairo_surface_t *image = decode(figure);
    size_t last = 0;
    for (size_t x = 0; x < figure->width; x++)
        for (size_t row = y; row < y + 10; row++)
            last = gray(image, x, row) < 254.0 ? x : last;
    cairo_surface_destroy(image);
    return last;
}

TEST(pictures_fill_their_width)
{
    mb_test_report *made = mb_test_report_open(NULL);
    made->options.augmentation.kind = MB_AUGMENT_AFFINE;
    made->dataset.train = made->dataset.test;
    made->history.finished = 2;
    mb_figures figures = draw(&made->report);
    const size_t right = right_edge(&figures.list[WEIGHTS], 56); /* of the bar of colours */
    assert_int_equal(right, 900 - 24);
    assert_int_equal(right_edge(&figures.list[WEIGHTS], 120), right);
    assert_in_range(right_edge(&figures.list[AUGMENTED], 120), right - 2, right);
    mb_figures_free(&figures);
    mb_test_report_close(made);
}

/* Checks a row of the first image of predictions.png, enlarged 3 times, pixel by pixel, without the
 * columns below the frame. */
static void check_drawn(mb_test_report *made, const double expected[28])
{
    mb_figures figures = draw(&made->report);
    cairo_surface_t *image = decode(&figures.list[PREDICTIONS]);
    for (size_t x = 2; x < 26; x++)
        assert_true(fabs(gray(image, 35 + 3 * x + 1, 84 + 3 * 14 + 1) - expected[x]) < 1.0);
    cairo_surface_destroy(image);
    mb_figures_free(&figures);
}

/* Dark on white if the ground is dark, or was light in the files; photographs as they are. */
TEST(photographs_are_not_drawn_as_negatives)
{
    enum { PIXELS = 28 * 28 };
    const double text = 0.299 * 0x1f + 0.587 * 0x23 + 0.114 * 0x28;
    mb_test_report *made = mb_test_report_open(NULL);
    uint8_t *images = mb_arena_alloc(&made->arena, 200, PIXELS);
    double plain[28], inverted[28];
    assert_non_null(images);
    made->dataset.test.images.pixels = images;
    for (size_t i = 0; i < (size_t)200 * PIXELS; i++) /* lit from the left */
        images[i] = (uint8_t)(250 - 9 * (i % 28));
    for (size_t x = 0; x < 28; x++) {
        plain[x] = 250.0 - 9.0 * (double)x;
        inverted[x] = 255.0 - plain[x] * (255.0 - text) / 255.0;
    }
    check_drawn(made, plain);
    made->dataset.form.ground = MB_GROUND_LIGHT;
    check_drawn(made, inverted);
    made->dataset.form.ground = MB_GROUND_DARK;
    for (size_t i = 0; i < (size_t)200 * PIXELS; i++) /* black above and below */
        if (i / 28 % 28 < 4 || i / 28 % 28 >= 24)
            images[i] = 0;
    check_drawn(made, inverted);
    mb_test_report_close(made);
}

/* Blue pixels of a run's loss panel in its upper half, in the middle of the run. */
static size_t count_upper_blue(mb_test_report *made)
{
    mb_figures figures = draw(&made->report);
    cairo_surface_t *image = decode(&figures.list[LOSS_PNG]);
    size_t blue = 0;
    for (size_t x = 400; x < 500; x++)
        for (size_t y = 130; y < 245; y++)
            blue += fabs(gray(image, x, y) - 87.0) < 2.0; /* 0x0072b2 */
    cairo_surface_destroy(image);
    mb_figures_free(&figures);
    return blue;
}

/* Losses of 20 in the first 5 % of the steps, then of 1 to 0.9. */
TEST(a_large_initial_loss_does_not_hide_the_rest)
{
    mb_test_report *made = mb_test_report_open(NULL);
    for (size_t i = 0; i < made->history.curve.steps; i++)
        made->history.curve.sum[i] = i < 25 ? 20.0 : 1.0 - 0.0002 * (double)i;
    for (size_t i = 0; i < 5; i++)
        made->history.epochs[i].train_loss = 1.0;
    assert_true(count_upper_blue(made) > 100);
    for (size_t i = 450; i < 500; i++) /* late losses count */
        made->history.curve.sum[i] = 20.0;
    assert_int_equal(count_upper_blue(made), 0);
    mb_test_report_close(made);
}

/* A loss of 0 has no logarithm, and a resumed run may have no steps to show. */
TEST(runs_without_a_curve_are_drawn)
{
    mb_test_report *made = mb_test_report_open(NULL);
    made->history.curve = (mb_loss_curve){0};
    made->dataset.folder = NULL;
    mb_figures figures = draw(&made->report);
    mb_figures_free(&figures);
    for (size_t i = 0; i < 5; i++)
        made->history.epochs[i].train_loss = 0.0;
    figures = draw(&made->report);
    mb_figures_free(&figures);
    mb_test_report_close(made);
}

/* Draws predictions whose classes are all off by `offset`. */
static mb_figures draw_off_by(mb_test_report *made, size_t offset)
{
    for (size_t i = 0; i < made->dataset.test.images.count; i++)
        for (size_t class = 0; class < 10; class ++)
            made->probabilities[10 * i + class] = class == (i + offset) % 10 ? 0.91f : 0.01f;
    return draw(&made->report);
}

/* All predictions right, and all wrong: frames and badges differ without colour, too. */
TEST(right_and_wrong_differ_without_colour)
{
    mb_test_report *made = mb_test_report_open(NULL);
    mb_figures right = draw_off_by(made, 0), wrong = draw_off_by(made, 1);
    const mb_figure *figure = &right.list[PREDICTIONS];
    cairo_surface_t *a = decode(figure), *b = decode(&wrong.list[PREDICTIONS]);
    assert_int_equal(figure->height, wrong.list[PREDICTIONS].height);
    size_t darker = 0;
    for (size_t y = 0; y < figure->height; y++)
        for (size_t x = 0; x < figure->width; x++)
            darker += gray(b, x, y) < gray(a, x, y) - 60.0;
    assert_true(darker > 48 * (3 * 4 * 84 + 150)); /* frames of 3 pixels, and the badges */
    cairo_surface_destroy(a);
    cairo_surface_destroy(b);
    mb_figures_free(&right);
    mb_figures_free(&wrong);
    mb_test_report_close(made);
}

TEST(what_cairo_cannot_draw_is_an_error)
{
    mb_canvas canvas;
    mb_figure figure = {0};
    mb_error error = {0};
    mb_canvas_open(MB_FIGURE_PNG, 100000, 10, &canvas);
    assert_int_equal(mb_canvas_close(&canvas, strdup("text"), &figure, &error),
                     MB_ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.text, "pictures: cairo cannot draw: "));
    mb_canvas_open(MB_FIGURE_PNG, 10, 10, &canvas);
    cairo_restore(canvas.cairo); /* nothing was saved */
    assert_int_equal(mb_canvas_close(&canvas, strdup("text"), &figure, &error),
                     MB_ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.text, "pictures: cairo cannot draw: "));
    mb_canvas_open(MB_FIGURE_SVG, 10, 10, &canvas);
    assert_int_equal(mb_canvas_close(&canvas, NULL, &figure, &error), MB_ERROR_MEMORY);
    assert_null(figure.bytes.data);
}

/* Text that is too long is truncated. */
TEST(text_keeps_to_its_width)
{
    mb_canvas canvas;
    mb_figure figure = {0};
    char longest[2000];
    memset(longest, 'M', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    mb_canvas_open(MB_FIGURE_PNG, 200, 40, &canvas);
    mb_text_fit(&canvas, &mb_text_font, 20.0, 30.0, MB_ALIGN_LEFT, 100.0, longest);
    assert_int_equal(mb_canvas_close(&canvas, strdup("text"), &figure, NULL), MB_OK);
    cairo_surface_t *image = decode(&figure);
    size_t last = 0;
    for (size_t x = 0; x < 200; x++)
        for (size_t y = 0; y < 40; y++)
            last = gray(image, x, y) < 200.0 ? x : last;
    assert_in_range(last, 90, 120);
    cairo_surface_destroy(image);
    free(figure.text);
    free(figure.bytes.data);
}
