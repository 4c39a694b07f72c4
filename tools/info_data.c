#include "info_data.h"

#include "info_network.h"
#include "text_width.h"

#include <mnist_blas/options.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 80, MAX_NAME = 28, COUNT_WIDTH = 9, GAP = 3, MAX_SINGLE = 25 };

/* ---- classes ---- */

static bool has_part(const mb_inspection *inspection, mb_part part)
{
    return inspection->parts[part].images > 0;
}

static void print_class(const mb_dataset *dataset, const mb_inspection *inspection, size_t class,
                        size_t width)
{
    char number[MB_CLASS_NUMBER_SIZE];
    mb_text_print(mb_class_label(dataset->class_names, class, number), width, false);
    for (mb_part part = 0; part < MB_PARTS; part++)
        if (has_part(inspection, part))
            printf("%*zu", COUNT_WIDTH, inspection->parts[part].class_images[class]);
}

/* The names of the columns, for each block of them. */
static void print_header(const mb_inspection *inspection, size_t width, size_t blocks)
{
    static const char *const names[MB_PARTS] = {"train", "val", "test"};
    for (size_t block = 0; block < blocks; block++) {
        printf("%*s%-*s", block > 0 ? GAP : 0, "", (int)width, "class");
        for (mb_part part = 0; part < MB_PARTS; part++)
            if (has_part(inspection, part))
                printf("%*s", COUNT_WIDTH, names[part]);
    }
    puts("");
}

/* A table of the classes, in several blocks side by side if they are many. */
static void print_classes(const mb_dataset *dataset, const mb_inspection *inspection)
{
    size_t width = mb_class_label_columns(dataset->class_names, dataset->classes), counts = 0;
    width = width < strlen("class") ? strlen("class") : width > MAX_NAME ? MAX_NAME : width;
    for (mb_part part = 0; part < MB_PARTS; part++)
        counts += has_part(inspection, part) ? COUNT_WIDTH : 0;
    const size_t fit = (WIDTH + GAP) / (width + counts + GAP);
    const size_t blocks = dataset->classes > MAX_SINGLE && fit > 1 ? fit : 1;
    const size_t lines = (dataset->classes + blocks - 1) / blocks;
    print_header(inspection, width, blocks);
    for (size_t line = 0; line < lines; line++) {
        for (size_t class = line; class < dataset->classes; class += lines) {
            printf("%*s", class > line ? GAP : 0, "");
            print_class(dataset, inspection, class, width);
        }
        puts("");
    }
}

/* ---- findings ---- */

/* "training image 17" */
static void print_place(mb_image_place place)
{
    printf("%s image %zu", mb_part_name(place.part), place.image);
}

/* " (cat)" */
static void print_place_class(const mb_dataset *dataset, mb_image_place place)
{
    char number[MB_CLASS_NUMBER_SIZE];
    printf(" (%s)", mb_class_label(dataset->class_names, place.class_number, number));
}

/* The first examples, of which each starts a line of its own. */
static void print_examples(const mb_dataset *dataset, const mb_finding *finding, bool pairs,
                           bool classes)
{
    for (size_t i = 0; i < finding->count && i < MB_INSPECTION_EXAMPLES; i++) {
        printf("           ");
        print_place(finding->images[i]);
        if (classes)
            print_place_class(dataset, finding->images[i]);
        if (pairs) {
            printf(" = ");
            print_place(finding->earlier[i]);
        }
        if (classes)
            print_place_class(dataset, finding->earlier[i]);
        puts("");
    }
    if (finding->count > MB_INSPECTION_EXAMPLES)
        puts("           ...");
}

/* One line for each part that has some; none: one line that says so. */
static void print_finding(const mb_dataset *dataset, const mb_inspection *inspection,
                          const char *name, size_t offset, const char *what, const char *none)
{
    bool found = false;
    for (mb_part part = 0; part < MB_PARTS; part++) {
        const mb_part_content *content = &inspection->parts[part];
        const mb_finding *finding = (const void *)((const char *)content + offset);
        if (finding->count == 0)
            continue;
        printf("%-11s%zu of %zu %s images %s\n", found ? "" : name, finding->count, content->images,
               mb_part_name(part), what);
        print_examples(dataset, finding, offset != offsetof(mb_part_content, blank), false);
        found = true;
    }
    if (!found)
        printf("%-11s%s\n", name, none);
}

static void print_findings(const mb_dataset *dataset, const mb_inspection *inspection)
{
    const mb_finding *contradictions = &inspection->contradictions;
    print_finding(dataset, inspection, "repeated", offsetof(mb_part_content, repeated),
                  "occur before in their split", "no image occurs twice in a split");
    print_finding(dataset, inspection, "leak", offsetof(mb_part_content, shared),
                  "are in an earlier split, too", "no image is in two splits");
    if (contradictions->count > 0)
        printf("labels     %zu different images occur with several labels\n",
               contradictions->count);
    else
        puts("labels     no image occurs with several labels");
    print_examples(dataset, contradictions, true, true);
    print_finding(dataset, inspection, "blank", offsetof(mb_part_content, blank),
                  "have one color only", "no image has one color only");
}

/* ---- text ---- */

static void print_format(const char *format)
{
    const mb_enum *names = &mb_data_format_names;
    for (unsigned i = 0; i < names->count; i++)
        if (strcmp(names->values[i].name, format) == 0)
            printf("format     %s, %s\n", format, names->values[i].help);
}

static void print_images(const mb_dataset *dataset, const mb_inspection *inspection)
{
    const mb_images *images = &dataset->train.images;
    const char *join = "images     ";
    for (mb_part part = 0; part < MB_PARTS; part++)
        if (has_part(inspection, part)) {
            printf("%s%zu %s", join, inspection->parts[part].images, mb_part_name(part));
            join = ", ";
        }
    printf("; %zux%zu, %s\n", images->rows, images->columns,
           images->channels == 1 ? "gray" : "in color");
}

static void print_pixels(const mb_dataset *dataset, const mb_inspection *inspection)
{
    const size_t channels = dataset->train.images.channels;
    printf("pixels     mean");
    for (size_t c = 0; c < channels; c++)
        printf(" %.4f", (double)inspection->pixels.mean[c]);
    printf(", standard deviation");
    for (size_t c = 0; c < channels; c++)
        printf(" %.4f", (double)inspection->pixels.std[c]);
    printf("\nzeros      %.1f %% of the training pixels\n", 100.0 * inspection->zeros);
}

void mb_info_print_data(const mb_dataset *dataset, const mb_inspection *inspection,
                        const char *sheet)
{
    char path[PATH_MAX];
    const mb_image_form *form = &dataset->form;
    printf("data       %s\n", mb_printable(dataset->folder, path, sizeof path));
    print_format(dataset->format);
    print_images(dataset, inspection);
    print_pixels(dataset, inspection);
    printf("form       %s ground%s, framing %s%s\n", mb_ground_names.values[form->ground].name,
           form->ground == MB_GROUND_LIGHT ? " (inverted when read)" : "",
           mb_framing_names.values[form->framing].name,
           mb_form_is_standardized(form) ? "; standardized in training" : "");
    print_findings(dataset, inspection);
    if (sheet != NULL)
        printf("sheet      %s\n", mb_printable(sheet, path, sizeof path));
    printf("classes    %zu\n\n", dataset->classes);
    print_classes(dataset, inspection);
}

/* ---- JSON ---- */

static json_t *place_object(mb_image_place place)
{
    return json_pack("{s:s, s:I, s:I}", "split", mb_part_name(place.part), "image",
                     (json_int_t)place.image, "class", (json_int_t)place.class_number);
}

static json_t *finding_object(const mb_finding *finding)
{
    json_t *examples = json_array();
    for (size_t i = 0; i < finding->count && i < MB_INSPECTION_EXAMPLES; i++)
        examples = mb_info_append(examples,
                                  json_pack("{s:o, s:o}", "image", place_object(finding->images[i]),
                                            "equals", place_object(finding->earlier[i])));
    return json_pack("{s:I, s:o}", "count", (json_int_t)finding->count, "examples", examples);
}

static json_t *part_object(const mb_dataset *dataset, const mb_part_content *part)
{
    json_t *classes = json_array();
    for (size_t c = 0; c < dataset->classes; c++)
        classes = mb_info_append(classes, json_integer((json_int_t)part->class_images[c]));
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "images", (json_int_t)part->images,
                     "class_images", classes, "repeated", finding_object(&part->repeated), "shared",
                     finding_object(&part->shared), "blank", finding_object(&part->blank));
}

static json_t *values_of(const float *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        array = mb_info_append(array, json_real((double)values[i]));
    return array;
}

json_t *mb_info_data(const mb_dataset *dataset, const mb_inspection *inspection)
{
    const mb_images *images = &dataset->train.images;
    char number[MB_CLASS_NUMBER_SIZE];
    json_t *names = json_array();
    for (size_t c = 0; c < dataset->classes; c++)
        names = mb_info_append(names, json_string(mb_class_label(dataset->class_names, c, number)));
    json_t *object = json_pack(
        "{s:s, s:s?, s:o, s:I, s:I, s:I, s:s, s:s, s:b, s:o, s:o, s:f, s:o}", "path",
        dataset->folder, "format", dataset->format, "classes", names, "rows",
        (json_int_t)images->rows, "columns", (json_int_t)images->columns, "channels",
        (json_int_t)images->channels, "ground", mb_ground_names.values[dataset->form.ground].name,
        "framing", mb_framing_names.values[dataset->form.framing].name, "standardized",
        mb_form_is_standardized(&dataset->form), "mean",
        values_of(inspection->pixels.mean, images->channels), "std",
        values_of(inspection->pixels.std, images->channels), "zeros", inspection->zeros,
        "contradictions", finding_object(&inspection->contradictions));
    for (mb_part part = 0; part < MB_PARTS && object != NULL; part++)
        if (has_part(inspection, part) &&
            json_object_set_new(object, mb_part_name(part),
                                part_object(dataset, &inspection->parts[part])) != 0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}
