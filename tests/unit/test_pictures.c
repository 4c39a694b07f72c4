#include "report/canvas.h"
#include "report/pictures.h"
#include "report_fixture.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A picture's bytes on their way through cairo's reader. */
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

static cairo_surface_t *decode(const mb_picture *picture)
{
    reader r = {&picture->bytes, 0};
    cairo_surface_t *image = cairo_image_surface_create_from_png_stream(read_some, &r);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(image), picture->width);
    assert_int_equal(cairo_image_surface_get_height(image), picture->height);
    return image;
}

/* Brightness, 0 .. 255, of a pixel: what is left of it without colour. */
static double gray(cairo_surface_t *image, size_t x, size_t y)
{
    const unsigned char *data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    uint32_t pixel;
    memcpy(&pixel, data + y * stride + 4 * x, sizeof pixel);
    return 0.299 * (double)(pixel >> 16 & 255) + 0.587 * (double)(pixel >> 8 & 255) +
           0.114 * (double)(pixel & 255);
}

static void check_png(const mb_picture *picture)
{
    cairo_surface_t *image = decode(picture);
    double darkest = 255.0;
    size_t paper = 0;
    for (size_t y = 0; y < picture->height; y++) {
        for (size_t x = 0; x < picture->width; x++) {
            darkest = fmin(darkest, gray(image, x, y));
            paper += gray(image, x, y) > 254.0;
        }
        assert_true(gray(image, 0, y) > 254.0); /* nothing runs over the edges */
        assert_true(gray(image, picture->width - 1, y) > 254.0);
    }
    assert_true(darkest < 80.0);
    assert_true(paper > picture->width * picture->height / 20);
    cairo_surface_destroy(image);
}

static void check_svg(const mb_picture *picture)
{
    char size[96];
    char *text = strndup((const char *)picture->bytes.data, picture->bytes.size);
    assert_non_null(text);
    assert_memory_equal(text, "<?xml ", 6);
    /* with a unit or, from later versions of cairo, without */
    snprintf(size, sizeof size, "width=\"%zupx\" height=\"%zupx\"", picture->width,
             picture->height);
    bool stated = strstr(text, size) != NULL;
    snprintf(size, sizeof size, "width=\"%zu\" height=\"%zu\"", picture->width, picture->height);
    stated |= strstr(text, size) != NULL;
    assert_true(stated);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
}

static void check_all(const mb_picture pictures[MB_PICTURES])
{
    static const char *const names[MB_PICTURES] = {
        "loss.svg", "loss.png", "predictions.png", "mistakes.png", "confusion.svg", "weights.png"};
    for (size_t i = 0; i < MB_PICTURES; i++) {
        const mb_picture *picture = &pictures[i];
        assert_string_equal(picture->file, names[i]);
        assert_true(strlen(picture->title) > 0 && strlen(picture->text) > 20);
        assert_null(strchr(picture->text, '\n'));
        assert_null(strstr(picture->text, "nan"));
        assert_int_equal(picture->kind,
                         strstr(names[i], ".svg") != NULL ? MB_PICTURE_SVG : MB_PICTURE_PNG);
        assert_in_range(picture->width, 700, 1000);
        assert_in_range(picture->height, 80, 1000);
        if (picture->kind == MB_PICTURE_PNG)
            check_png(picture);
        else
            check_svg(picture);
    }
}

static void draw(const mb_report *report, mb_picture pictures[MB_PICTURES])
{
    mb_error error = {0};
    if (mb_pictures_draw(report, pictures, &error) != MB_OK)
        fail_msg("%s", error.text);
}

static void free_all(mb_picture pictures[MB_PICTURES])
{
    for (size_t i = 0; i < MB_PICTURES; i++) {
        mb_picture_free(&pictures[i]);
        assert_null(pictures[i].bytes.data);
        assert_null(pictures[i].text);
    }
}

TEST(texts_hold_the_numbers)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual);
    mb_picture pictures[MB_PICTURES];
    char wanted[64];
    draw(&made->report, pictures);
    check_all(pictures);
    snprintf(wanted, sizeof wanted, "to %.2f %% after 5 epochs",
             100.0 * made->epochs[4].test_accuracy);
    assert_non_null(strstr(pictures[0].text, wanted));
    assert_non_null(strstr(pictures[0].text, "over 500 steps"));
    assert_string_equal(pictures[0].text, pictures[1].text);
    assert_non_null(strstr(pictures[2].text, "48 of 200 test images"));
    snprintf(wanted, sizeof wanted, "%zu mistakes in 200 test images",
             200 - made->evaluation.correct);
    assert_non_null(strstr(pictures[3].text, wanted));
    snprintf(wanted, sizeof wanted, "%zu of them on the diagonal", made->evaluation.correct);
    assert_non_null(strstr(pictures[4].text, wanted));
    assert_non_null(strstr(pictures[5].text, "128 units, each with 28x28 weights"));
    free_all(pictures);
    mb_test_report_close(made);
}

TEST(odd_runs_are_drawn)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report_spec odd[9];
    for (size_t i = 0; i < 9; i++)
        odd[i] = usual;
    odd[0].epochs = 1;
    odd[1].classes = 2;
    odd[1].rows = odd[1].columns = 1;
    odd[2].classes = 256;
    odd[2].rows = 300;
    odd[2].columns = 7;
    odd[2].validation = true;
    odd[3].classes = 31;
    odd[3].rows = 7;
    odd[3].columns = 300;
    odd[4].wrong = 0.0;
    odd[4].classes = 30;
    odd[5].wrong = 1.0;
    odd[5].network = "dense:10";
    odd[6].images = 1;
    odd[6].steps = 1;
    odd[7].epochs = 1000;
    odd[7].steps = 9;
    odd[7].first_loss = odd[7].last_loss = 1e-7;
    odd[8].rows = odd[8].columns = 256;
    odd[8].network = "dense:200,relu,dense:10";
    odd[8].last_loss = 1e-7;
    for (size_t i = 0; i < 9; i++) {
        mb_test_report *made = mb_test_report_open(&odd[i]);
        mb_picture pictures[MB_PICTURES];
        draw(&made->report, pictures);
        check_all(pictures);
        assert_true((strstr(pictures[3].text, "No mistakes") != NULL) ==
                    (made->evaluation.correct == made->evaluation.samples));
        free_all(pictures);
        mb_test_report_close(made);
    }
}

/* A run that augmented has one more picture, of its training images, which are the test images. */
TEST(augmented_images_are_shown)
{
    static const size_t sizes[][3] = {{28, 28, 10}, {1, 1, 2}, {300, 7, 256}, {256, 256, 3}};
    for (size_t i = 0; i < 8; i++) {
        mb_test_report_spec wanted = mb_test_default_report_spec();
        wanted.rows = sizes[i / 2][0];
        wanted.columns = sizes[i / 2][1];
        wanted.classes = sizes[i / 2][2];
        mb_test_report *made = mb_test_report_open(&wanted);
        mb_picture pictures[MB_MOST_PICTURES], *last = &pictures[MB_MOST_PICTURES - 1];
        assert_int_equal(mb_pictures_count(&made->report), MB_PICTURES);
        made->options.augmentation.kind = i % 2 ? MB_AUGMENT_ELASTIC : MB_AUGMENT_AFFINE;
        made->options.augmentation.plain_epochs = i / 2;
        made->options.validation = 100;
        made->dataset.train = made->dataset.test;
        assert_int_equal(mb_pictures_count(&made->report), MB_MOST_PICTURES);
        draw(&made->report, pictures);
        check_all(pictures);
        assert_string_equal(last->file, "augmented.png");
        assert_string_equal(mb_picture_file(MB_MOST_PICTURES - 1), "augmented.png");
        assert_non_null(strstr(last->text, i / 2 == 1 ? "2 training images" : "training images"));
        assert_true((strstr(last->text, "sigma 4") != NULL) == (i % 2 == 1));
        assert_non_null(strstr(last->text, "are and in the first 5 epochs ("));
        assert_true((strstr(last->text, ", 2 plain epochs)") != NULL) == (i / 2 == 2));
        assert_in_range(last->height, 80, 1000);
        if (i / 2 != 1) /* a pixel may be light */
            check_png(last);
        free_all(pictures);
        mb_picture_free(last);
        mb_test_report_close(made);
    }
}

/* A run that ended after 5 of `planned` epochs; the last two of these are plain. */
static mb_picture augmented_of(size_t planned)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual);
    mb_picture pictures[MB_MOST_PICTURES];
    made->options.augmentation =
        (mb_augmentation){MB_AUGMENT_AFFINE, .shift = 2, .plain_epochs = 2};
    made->dataset.train = made->dataset.test;
    made->epochs[0].epochs = planned;
    draw(&made->report, pictures);
    free_all(pictures);
    mb_test_report_close(made);
    return pictures[MB_MOST_PICTURES - 1];
}

TEST(plain_epochs_that_a_run_did_not_reach_are_not_shown)
{
    mb_picture reached = augmented_of(5), not_reached = augmented_of(7), far = augmented_of(100);
    const mb_bytes varied = not_reached.bytes;
    assert_int_equal(varied.size, far.bytes.size);
    assert_memory_equal(varied.data, far.bytes.data, varied.size);
    assert_int_not_equal(varied.size, reached.bytes.size);
    mb_picture_free(&reached);
    mb_picture_free(&not_reached);
    mb_picture_free(&far);
}

/* A loss of 0 has no logarithm, and a run may have no steps of its own to show. */
TEST(runs_without_a_curve_are_drawn)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual);
    mb_picture pictures[MB_PICTURES];
    made->curve = (mb_loss_curve){0};
    made->run.data = NULL;
    draw(&made->report, pictures);
    check_all(pictures);
    free_all(pictures);
    for (size_t i = 0; i < usual.epochs; i++)
        made->epochs[i].train_loss = 0.0;
    draw(&made->report, pictures);
    check_all(pictures);
    free_all(pictures);
    mb_test_report_close(made);
}

/* The same images, once all right and once all wrong: what differs without colour is around each
 * image, and the mark of a wrong one has a white cross on a darker ground. */
TEST(right_and_wrong_differ_without_colour)
{
    mb_test_report_spec wanted = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&wanted);
    mb_picture right[MB_PICTURES], wrong[MB_PICTURES];
    for (size_t i = 0; i < wanted.images; i++)
        for (size_t class = 0; class < 10; class ++)
            made->probabilities[10 * i + class] = class == i % 10 ? 0.91f : 0.01f;
    draw(&made->report, right);
    for (size_t i = 0; i < wanted.images; i++)
        for (size_t class = 0; class < 10; class ++)
            made->probabilities[10 * i + class] = class == (i + 1) % 10 ? 0.91f : 0.01f;
    draw(&made->report, wrong);
    cairo_surface_t *a = decode(&right[2]), *b = decode(&wrong[2]);
    assert_int_equal(right[2].height, wrong[2].height);
    size_t darker = 0;
    for (size_t y = 0; y < right[2].height; y++)
        for (size_t x = 0; x < right[2].width; x++)
            darker += gray(b, x, y) < gray(a, x, y) - 60.0;
    assert_true(darker > 48 * (3 * 4 * 84 + 150)); /* frames of 3 pixels, and the marks */
    cairo_surface_destroy(a);
    cairo_surface_destroy(b);
    free_all(right);
    free_all(wrong);
    mb_test_report_close(made);
}

/* cairo numbers the surfaces of a process in an SVG: without these numbers. */
static void drop_numbers(mb_picture *picture)
{
    static const char word[] = "surface";
    const size_t length = sizeof word - 1;
    uint8_t *data = picture->bytes.data;
    size_t kept = 0;
    bool dropping = false;
    for (size_t i = 0; i < picture->bytes.size; i++) {
        dropping =
            (dropping || (kept >= length && memcmp(data + kept - length, word, length) == 0)) &&
            data[i] >= '0' && data[i] <= '9';
        if (!dropping)
            data[kept++] = data[i];
    }
    picture->bytes.size = kept;
}

TEST(equal_reports_give_equal_bytes)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual), *again = mb_test_report_open(&usual);
    mb_picture pictures[MB_PICTURES], others[MB_PICTURES];
    draw(&made->report, pictures);
    draw(&again->report, others);
    for (size_t i = 0; i < MB_PICTURES; i++) {
        if (pictures[i].kind == MB_PICTURE_SVG) {
            drop_numbers(&pictures[i]);
            drop_numbers(&others[i]);
        }
        assert_int_equal(pictures[i].bytes.size, others[i].bytes.size);
        assert_memory_equal(pictures[i].bytes.data, others[i].bytes.data, others[i].bytes.size);
        assert_string_equal(pictures[i].text, others[i].text);
    }
    free_all(pictures);
    free_all(others);
    mb_test_report_close(made);
    mb_test_report_close(again);
}

TEST(what_cairo_cannot_draw_is_an_error)
{
    mb_canvas canvas;
    mb_picture picture = {0};
    mb_error error = {0};
    assert_int_equal(mb_canvas_open(MB_PICTURE_PNG, 100000, 10, &canvas, &error),
                     MB_ERROR_UNAVAILABLE);
    assert_int_equal(mb_canvas_open(MB_PICTURE_PNG, 10, 10, &canvas, &error), MB_OK);
    cairo_restore(canvas.cairo); /* nothing was saved */
    assert_int_equal(mb_canvas_close(&canvas, strdup("text"), &picture, &error),
                     MB_ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.text, "pictures: cairo cannot draw: "));
    assert_int_equal(mb_canvas_open(MB_PICTURE_SVG, 10, 10, &canvas, &error), MB_OK);
    assert_int_equal(mb_canvas_close(&canvas, NULL, &picture, &error), MB_ERROR_MEMORY);
    assert_null(picture.bytes.data);
}

/* Text that is too long for its room stays within it. */
TEST(text_keeps_to_its_room)
{
    mb_canvas canvas;
    mb_picture picture = {.kind = MB_PICTURE_PNG};
    char longest[2000];
    memset(longest, 'M', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(mb_canvas_open(MB_PICTURE_PNG, 200, 40, &canvas, NULL), MB_OK);
    mb_text_fit(&canvas, &mb_text_font, 20.0, 30.0, MB_ALIGN_LEFT, 100.0, longest);
    assert_int_equal(mb_canvas_close(&canvas, strdup("text"), &picture, NULL), MB_OK);
    cairo_surface_t *image = decode(&picture);
    size_t last = 0;
    for (size_t x = 0; x < 200; x++)
        for (size_t y = 0; y < 40; y++)
            last = gray(image, x, y) < 200.0 ? x : last;
    assert_in_range(last, 90, 120);
    cairo_surface_destroy(image);
    mb_picture_free(&picture);
}
