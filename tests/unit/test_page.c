#include "report/json.h"
#include "report/page.h"
#include "report/template.h"
#include "report_fixture.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char pixel[] = "not a real picture";
static char text[] = "A \"text\" & <more>";

/* The page does not parse figures. */
static const mb_figures figures = {
    3,
    {{"loss.svg", "Loss", text, MB_FIGURE_SVG, 900, 640, {(uint8_t *)pixel, 18}, true, false},
     {"loss.png", "Loss", text, MB_FIGURE_PNG, 900, 640, {(uint8_t *)pixel, 18}, false, false},
     {"weights.png", "Weights", text, MB_FIGURE_PNG, 700, 80, {(uint8_t *)pixel, 17}, true, true}},
};

static size_t count_of(const char *page, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(page, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

/* The page as a string, for free(). All elements are closed; no value is missing or NaN. */
static char *make(const mb_report *report)
{
    static const char *const elements[] = {"html",    "head",  "body", "main", "section", "div",
                                           "dl",      "dt",    "dd",   "p",    "figure",  "table",
                                           "caption", "thead", "tr",   "th",   "td",      "data",
                                           "code",    "pre",   "span", "h2",   "h3",      "bdi"};
    static const char *const never[] = {"nan", ">inf", "(null)", "<script", "{{", "}}"};
    mb_bytes bytes = {0};
    mb_error error = {0};
    char open[16], longer[16], close[16];
    if (mb_page_make(report, &figures, &bytes, &error) != MB_OK)
        fail_msg("%s", error.text);
    char *page = (char *)bytes.data;
    assert_int_equal(strlen(page), bytes.size);
    for (size_t i = 0; i < TEST_COUNT(elements); i++) {
        snprintf(open, sizeof open, "<%s>", elements[i]);
        snprintf(longer, sizeof longer, "<%s ", elements[i]);
        snprintf(close, sizeof close, "</%s>", elements[i]);
        assert_int_equal(count_of(page, open) + count_of(page, longer), count_of(page, close));
    }
    for (size_t i = 0; i < TEST_COUNT(never); i++)
        assert_null(strstr(page, never[i]));
    assert_memory_equal(page, "<!DOCTYPE html>\n<html lang=\"en\">", 32);
    assert_string_equal(page + strlen(page) - 8, "</html>\n");
    return page;
}

/* Each text occurs once on the page. */
static void check_once(const char *page, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (count_of(page, texts[i]) != 1)
            fail_msg("%zu times: %s", count_of(page, texts[i]), texts[i]);
}

static void check_real(const char *page, const char *key, double value)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "<data data-key=\"%s\" value=\"%.9g\">", key, value);
    assert_int_equal(count_of(page, wanted), 1);
}

/* ---- the template ---- */

#define BAD "\xef\xbf\xbd"

/* Checks the result of `template` with a model of JSON text; NULL: an error. */
static void check_render(const char *template, const char *model, const char *expected)
{
    json_t *object = json_loads(model, 0, NULL);
    mb_bytes bytes = {0};
    mb_error error = {0};
    assert_non_null(object);
    if (expected == NULL) {
        assert_int_equal(mb_template_render("report.html", template, object, &bytes, &error),
                         MB_ERROR_INVALID);
        assert_string_equal(error.text, "report.html: no value for 'missing'");
    } else {
        assert_int_equal(mb_template_render("report.html", template, object, &bytes, &error),
                         MB_OK);
        assert_string_equal((char *)bytes.data, expected);
        assert_int_equal(bytes.size, strlen(expected));
    }
    free(bytes.data);
    json_decref(object);
}

TEST(templates_are_filled)
{
    static const char model[] =
        "{\"a\": {\"b\": \"c\", \"n\": 4690}, \"list\": [{\"x\": 1}, {\"x\": 2, \"y\": \"z\"}],"
        "\"none\": [], \"null\": null, \"no\": false, \"yes\": true, \"empty\": \"\", \"zero\": 0,"
        "\"y\": \"outer\", \"r\": 0.0123456789012, \"t\": \"<a/b,c>\","
        "\"command\": \"a --b  '--c -- <d> --e-f\"}";
    static const char *const cases[][2] = {
        {"", ""},
        {"plain {text}", "plain {text}"},
        {"{{a.b}} {{a.n}} {{y}}", "c 4690 outer"},
        {"{{#a}}{{b}}{{y}}{{/a}}", "couter"},
        {"{{#list}}({{x}}{{y}}){{/list}}", "(1outer)(2z)"},
        {"{{#list}}\n{{x}}\n{{/list}}\nend\n", "1\n2\nend\n"},
        {"{{#none}}a{{/none}}{{#null}}b{{/null}}{{#no}}c{{/no}}{{#empty}}d{{/empty}}", ""},
        {"{{#missing}}{{missing}}{{/missing}}", ""},
        {"{{#yes}}a{{/yes}}{{#zero}}b{{/zero}}", "ab"},
        {"{{^none}}a{{/none}}{{^missing}}b{{/missing}}{{^yes}}c{{/yes}}{{^list}}d{{/list}}", "ab"},
        {"{{#no}}{{#list}}x{{/list}}{{^list}}y{{/list}}{{/no}}z", "z"},
        {"{{#list}}{{#a}}{{b}}{{x}}{{/a}}{{/list}}", "c1c2"},
        {"{{r}} {{r|3}} {{r|%1}} {{r|e2}} {{r|g3}} {{r|s3}} {{a.n|,}} {{a.n|0}}",
         "0.0123456789 0.012 1.2 1.23e-02 0.0123 0.0123 4,690 4690"},
        {"{{t}} {{t|breaks}}", "&lt;a/b,c&gt; &lt;a/<wbr>b,<wbr>c&gt;"},
        {"{{command|command}}", "a <span>--b</span>  &#39;--c -- &lt;d&gt; <span>--e-f</span>"},
        {"a {{missing}}", NULL},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_render(cases[i][0], model, cases[i][1]);
}

/* Checks how a text appears on the page. */
static void check_text(const char *from, const char *expected)
{
    json_t *model = json_pack("{s:o}", "t", mb_json_text(from));
    mb_bytes bytes = {0};
    assert_int_equal(mb_template_render("report.html", "{{t}}", model, &bytes, NULL), MB_OK);
    assert_string_equal((char *)bytes.data, expected);
    free(bytes.data);
    json_decref(model);
}

TEST(texts_are_escaped_and_valid)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"a</code><b c=\"d\" e='f'>&amp;",
         "a&lt;/code&gt;&lt;b c=&quot;d&quot; e=&#39;f&#39;&gt;&amp;amp;"},
        {"tab\tline\nreturn\rbell\a\x7f", "tab\tline\nreturn" BAD "bell" BAD BAD},
        {"\xc2\x85", BAD}, /* a control character */
        {"\xc2<", BAD "&lt;"},
        {"\xc0\xaf", BAD BAD},                 /* overlong '/' */
        {"\xe0\x9f\xbf", BAD BAD BAD},         /* overlong */
        {"\xed\xa0\x80", BAD BAD BAD},         /* a surrogate */
        {"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD}, /* overlong */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xf4\x8f\xbf", BAD BAD BAD},
        {"\xe0\xa0", BAD BAD},
    };
    /* the Unicode standard, table 3-7: the limits of each row, and invalid first bytes */
    static const char *const good[] = {
        "\xc2\xa0",         "\xdf\xbf",         "\xe0\xa0\x80",        "\xec\xbf\xbf",
        "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbd",        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf", "\xf1\x80\x80\x80", "\xc3\xa9\xe2\x82\xac"};
    static const char *const bad[] = {"\x80", "\xbf", "\xc0", "\xc1",
                                      "\xc2", "\xdf", "\xf5", "\xff"};
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_text(cases[i][0], cases[i][1]);
    for (size_t i = 0; i < TEST_COUNT(good); i++)
        check_text(good[i], good[i]);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        check_text(bad[i], BAD);
}

TEST(base64_is_that_of_the_rfc)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xff\xff\xbe", "//++"},
                                           {"\xfb\xef", "++8="}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        json_t *string = mb_json_base64((const uint8_t *)cases[i][0], strlen(cases[i][0]));
        assert_string_equal(json_string_value(string), cases[i][1]);
        json_decref(string);
    }
}

/* ---- the page ---- */

TEST(numbers_are_those_of_the_summary)
{
    static const char *const once[] = {
        "<data data-key=\"parameters\" value=\"109386\">109,386</data>",
        "<data data-key=\"data\" value=\"data/mnist\"><bdi>data/<wbr>mnist</bdi></data>",
        "The data folder is relative to the folder", "<dt>Learning rate</dt>",
        "<code id=\"command\">mnist_blas train <span>--seed</span> 1</code>",
        /* figures, each drawing once */
        ("width=\"900\" height=\"640\" alt=\"A &quot;text&quot; &amp; &lt;more&gt;\" "
         "src=\"data:image/svg+xml;base64,bm90IGEgcmVhbCBwaWN0dXJl\""),
        "width=\"700\" height=\"80\"", "data:image/png;base64,", "id=\"loss-full\""};
    mb_test_report *made = mb_test_report_open(NULL);
    char *page = make(&made->report);
    const struct {
        const char *key;
        double value;
    } reals[] = {{"test_accuracy", made->history.epochs[4].test_accuracy},
                 {"final_train_loss", made->history.epochs[4].train_loss},
                 {"train_seconds", 5 * 0.14},
                 {"samples_per_second.min", 400000.0},
                 {"samples_per_second.median", 402000.0},
                 {"samples_per_second.max", 404000.0},
                 {"lr", made->options.lr},
                 {"weight_decay", made->options.weight_decay}};
    for (size_t i = 0; i < TEST_COUNT(reals); i++)
        check_real(page, reals[i].key, reals[i].value);
    check_once(page, once, TEST_COUNT(once));
    assert_int_equal(count_of(page, "<img "), 2);
    assert_null(strstr(page, "validation_accuracy"));
    free(page);
    mb_test_report_close(made);
}

TEST(hostile_names_stay_text)
{
    mb_test_report *made = mb_test_report_open(NULL);
    made->dataset.folder = "/tmp/\"><script>alert(1)</script>/\xff%s%n{{data}}";
    made->info.cpu = "<img src=x onerror=alert(1)>";
    made->info.blas_core = "</code></pre><b>";
    made->run.command = "mnist_blas train --data '/tmp/</code><script>\xfe'";
    mb_bytes bytes = {0};
    assert_int_equal(mb_page_make(&made->report, &figures, &bytes, NULL), MB_OK);
    char *page = (char *)bytes.data;
    static const char *const once[] = {
        "value=\"/tmp/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;/" BAD "%s%n{{data}}\"",
        "&lt;img src=x onerror=alert(1)&gt;",
        "&#39;/tmp/&lt;/code&gt;&lt;script&gt;" BAD "&#39;</code></pre>"};
    check_once(page, once, TEST_COUNT(once));
    assert_null(strstr(page, "<img src=x"));
    assert_null(strstr(page, "<script"));
    free(page);
    mb_test_report_close(made);
}

/* Rows of the table `id`, without the header. */
static size_t rows_of(const char *page, const char *id)
{
    char start[64];
    snprintf(start, sizeof start, "<table id=\"%s\">", id);
    const char *from = strstr(page, start);
    assert_non_null(from);
    char *table = strndup(from, (size_t)(strstr(from, "</table>") - from));
    assert_non_null(table);
    const size_t rows = count_of(table, "<tr><th scope=\"row\">");
    free(table);
    return rows;
}

/* Epochs, and the rows of their table: the first, every 2nd, 5th, 10th, ..., and the last. */
TEST(long_runs_have_short_tables)
{
    static const size_t cases[][2] = {{1, 1},    {60, 60},   {61, 32},   {100, 51},
                                      {117, 60}, {120, 25},  {500, 51},  {1000, 51},
                                      {999, 51}, {1001, 52}, {10000, 51}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_test_report_spec spec = mb_test_default_report_spec();
        spec.epochs = cases[i][0];
        spec.steps = 1;
        mb_test_report *made = mb_test_report_open(&spec);
        char *page = make(&made->report), last[64];
        assert_int_equal(rows_of(page, "epoch-table"), cases[i][1]);
        snprintf(last, sizeof last, "<tr><th scope=\"row\"><data value=\"%zu\">", spec.epochs);
        assert_non_null(strstr(page, last));
        assert_int_equal(strstr(page, "metrics.jsonl</code> has all") != NULL, spec.epochs > 60);
        free(page);
        mb_test_report_close(made);
    }
}

TEST(unusual_runs_have_pages)
{
    static const char *const once[] = {
        "<th scope=\"col\" data-key=\"validation_accuracy\">",
        "<data data-key=\"training_images\" value=\"1000\">1,000</data>",
        "<data data-key=\"seed\" value=\"9223372036854775807\">9223372036854775807</data>",
        "<data data-key=\"data\" value=\"synthetic\">",
        "tools/fetch-mnist",
        "of 300 synthetic test images right",
        "unknown",
        "<dt>CPU quota</dt><dd>1.5</dd>",
        "nats, mean of that epoch",
        "<tr class=\"kept\"><th scope=\"row\"><small>kept</small> <data value=\"2\">",
        "5 epochs (epoch 2 is the best)"};
    mb_test_report_spec spec = mb_test_default_report_spec();
    spec.classes = 256;
    spec.images = 300;
    spec.validation = true;
    spec.first_loss = spec.last_loss = 1e-7;
    mb_test_report *made = mb_test_report_open(&spec);
    made->options = mb_training_defaults(MB_OPTIMIZER_SGD);
    made->options.epochs = spec.epochs;
    made->options.validation = 10;
    made->options.patience = 3;
    made->options.seed = INT64_MAX;
    made->dataset.train.images.count = 1010;
    made->info.cpu = "";
    made->info.quota = 1.5;
    made->dataset.folder = NULL;
    made->run.selected = &made->history.epochs[1];
    char *page = make(&made->report);
    assert_int_equal(rows_of(page, "class-table"), 257);
    check_real(page, "validation_accuracy", made->history.epochs[1].validation_accuracy);
    check_once(page, once, TEST_COUNT(once));
    assert_null(strstr(page, "relative to the folder"));
    free(page);
    mb_test_report_close(made);
}

TEST(equal_reports_give_equal_pages)
{
    mb_test_report *made = mb_test_report_open(NULL), *again = mb_test_report_open(NULL);
    char *page = make(&made->report), *other = make(&again->report);
    assert_string_equal(page, other);
    free(page);
    free(other);
    mb_test_report_close(made);
    mb_test_report_close(again);
}
