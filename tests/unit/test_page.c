#include "report/html.h"
#include "report/page.h"
#include "report_fixture.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char pixel[] = "not a real picture";
static char sight[] = "What is \"seen\" & <heard>";

/* The page does not look into pictures. */
static const mb_figures figures = {
    3,
    {{"loss.svg", "Loss", sight, MB_FIGURE_SVG, 900, 640, {(uint8_t *)pixel, 18}, true},
     {"loss.png", "Loss", sight, MB_FIGURE_PNG, 900, 640, {(uint8_t *)pixel, 18}, false},
     {"weights.png", "Weights", sight, MB_FIGURE_PNG, 700, 80, {(uint8_t *)pixel, 17}, true}},
};

/* The page as a string, the caller's to free. */
static char *make(const mb_report *report)
{
    mb_bytes page = {0};
    assert_int_equal(mb_page_make(report, &figures, &page, NULL), MB_OK);
    assert_int_equal(strlen((char *)page.data), page.size);
    return (char *)page.data;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

/* Elements are closed as often as opened, and nothing is missing or no number. */
static void check_whole(const char *page)
{
    static const char *const elements[] = {"html",    "head",  "body", "main", "section", "div",
                                           "dl",      "dt",    "dd",   "p",    "figure",  "table",
                                           "caption", "thead", "tr",   "th",   "td",      "data",
                                           "code",    "pre",   "span", "h2",   "h3",      "bdi"};
    char open[16], longer[16], close[16];
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        snprintf(open, sizeof open, "<%s>", elements[i]);
        snprintf(longer, sizeof longer, "<%s ", elements[i]);
        snprintf(close, sizeof close, "</%s>", elements[i]);
        assert_int_equal(count_of(page, open) + count_of(page, longer), count_of(page, close));
    }
    assert_memory_equal(page, "<!DOCTYPE html>\n<html lang=\"en\">", 32);
    assert_string_equal(page + strlen(page) - 8, "</html>\n");
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, ">inf"));
    assert_null(strstr(page, "(null)"));
    assert_null(strstr(page, "<script"));
}

/* The text that `put` makes of another. */
static char *written(void (*put)(const mb_html *, const char *), const char *text)
{
    mb_html html;
    mb_bytes bytes;
    assert_int_equal(mb_html_open(&html, NULL), MB_OK);
    put(&html, text);
    assert_int_equal(mb_html_close(&html, &bytes, NULL), MB_OK);
    return (char *)bytes.data;
}

static void check_written(void (*put)(const mb_html *, const char *), const char *text,
                          const char *expected)
{
    char *got = written(put, text);
    assert_string_equal(got, expected);
    free(got);
}

#define BAD "\xef\xbf\xbd"

TEST(markup_is_escaped)
{
    check_written(mb_html_text, "", "");
    check_written(mb_html_text, "a</code><b c=\"d\" e='f'>&amp;",
                  "a&lt;/code&gt;&lt;b c=&quot;d&quot; e=&#39;f&#39;&gt;&amp;amp;");
    check_written(mb_html_text, "tab\tline\nreturn\rbell\a\x7f",
                  "tab\tline\nreturn" BAD "bell" BAD BAD);
    check_written(mb_html_breakable, "a/b<,c", "a/<wbr>b&lt;,<wbr>c");
    check_written(mb_html_command, "a --b  '--c -- <d>",
                  "a <span>--b</span>  &#39;--c -- &lt;d&gt;");
}

/* The Unicode standard, table 3-7: the ends of each row, and what lies just beyond them. */
TEST(bytes_that_are_not_utf8_are_replaced)
{
    static const char *const good[] = {
        "\xc2\xa0",         "\xdf\xbf",         "\xe0\xa0\x80",        "\xec\xbf\xbf",
        "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbd",        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf", "\xf1\x80\x80\x80", "\xc3\xa9\xe2\x82\xac"};
    static const char *const bad[] = {"\x80", "\xbf",     "\xc0", "\xc1", "\xc2",
                                      "\xdf", "\xe0\xa0", "\xf5", "\xff", "\xf4\x8f\xbf"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        check_written(mb_html_text, good[i], good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[16] = "";
        for (size_t byte = 0; byte < strlen(bad[i]); byte++)
            strcat(expected, BAD);
        check_written(mb_html_text, bad[i], expected);
    }
    check_written(mb_html_text, "\xc0\xaf", BAD BAD);                 /* overlong '/' */
    check_written(mb_html_text, "\xe0\x9f\xbf", BAD BAD BAD);         /* overlong */
    check_written(mb_html_text, "\xed\xa0\x80", BAD BAD BAD);         /* a surrogate */
    check_written(mb_html_text, "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD); /* overlong */
    check_written(mb_html_text, "\xf4\x90\x80\x80", BAD BAD BAD BAD); /* above U+10FFFF */
    check_written(mb_html_text, "\xc2<", BAD "&lt;");
    check_written(mb_html_text, "\xc2\x85", BAD); /* a control character */
}

TEST(base64_is_that_of_the_rfc)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"},
                                             {"\xff\xff\xbe", "//++"},
                                             {"\xfb\xef", "++8="}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        mb_html html;
        mb_bytes bytes;
        assert_int_equal(mb_html_open(&html, NULL), MB_OK);
        mb_html_base64(&html, (const uint8_t *)vectors[i][0], strlen(vectors[i][0]));
        assert_int_equal(mb_html_close(&html, &bytes, NULL), MB_OK);
        assert_string_equal((char *)bytes.data, vectors[i][1]);
        free(bytes.data);
    }
}

static void check_real(const char *page, const char *key, double value)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "<data data-key=\"%s\" value=\"%.9g\">", key, value);
    assert_int_equal(count_of(page, wanted), 1);
}

TEST(numbers_are_those_of_the_summary)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual);
    char *page = make(&made->report);
    check_whole(page);
    check_real(page, "test_accuracy", made->epochs[4].test_accuracy);
    check_real(page, "final_train_loss", made->epochs[4].train_loss);
    check_real(page, "train_seconds", mb_run_seconds(&made->run));
    check_real(page, "samples_per_second.min", 400000.0);
    check_real(page, "samples_per_second.median", 402000.0);
    check_real(page, "samples_per_second.max", 404000.0);
    check_real(page, "lr", made->options.lr);
    check_real(page, "weight_decay", made->options.weight_decay);
    assert_non_null(strstr(page, "<data data-key=\"parameters\" value=\"109386\">109,386</data>"));
    assert_non_null(strstr(page, "<data data-key=\"data\" value=\"data/mnist\">"));
    assert_non_null(strstr(page, "named from the folder where the run was started"));
    assert_null(strstr(page, "validation_accuracy"));
    free(page);
    mb_test_report_close(made);
}

TEST(a_drawing_is_shown_once)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual);
    char *page = make(&made->report);
    assert_int_equal(count_of(page, "<img "), 2);
    assert_int_equal(count_of(page, "width=\"900\" height=\"640\" alt=\"What is &quot;seen&quot; "
                                    "&amp; &lt;heard&gt;\" src=\"data:image/svg+xml;base64,"
                                    "bm90IGEgcmVhbCBwaWN0dXJl\""),
                     1);
    assert_int_equal(count_of(page, "width=\"700\" height=\"80\"") *
                         count_of(page, "data:image/png;base64,"),
                     1);
    free(page);
    mb_test_report_close(made);
}

TEST(hostile_names_stay_text)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual);
    made->run.data = "/tmp/\"><script>alert(1)</script>/\xff%s%n";
    made->info.cpu = "<img src=x onerror=alert(1)>";
    made->info.blas_core = "</code></pre><b>";
    made->report.command = "mnist_blas train --data '/tmp/</code><script>\xfe'";
    char *page = make(&made->report);
    check_whole(page);
    assert_non_null(
        strstr(page, "value=\"/tmp/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;/" BAD "%s%n\""));
    assert_non_null(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
    assert_non_null(strstr(page, "&#39;/tmp/&lt;/code&gt;&lt;script&gt;" BAD "&#39;</code></pre>"));
    assert_null(strstr(page, "<img src=x"));
    free(page);
    mb_test_report_close(made);
}

/* Rows of the table `id`, without its head. */
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
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mb_test_report_spec wanted = mb_test_default_report_spec();
        wanted.epochs = cases[i][0];
        wanted.steps = 1;
        mb_test_report *made = mb_test_report_open(&wanted);
        char *page = make(&made->report), last[64];
        check_whole(page);
        assert_int_equal(rows_of(page, "epoch-table"), cases[i][1]);
        snprintf(last, sizeof last, "<tr><th scope=\"row\"><data value=\"%zu\">", wanted.epochs);
        assert_non_null(strstr(page, last));
        assert_int_equal(strstr(page, "metrics.jsonl</code> has all") != NULL, wanted.epochs > 60);
        free(page);
        mb_test_report_close(made);
    }
}

TEST(odd_runs_have_pages)
{
    mb_test_report_spec wanted = mb_test_default_report_spec();
    wanted.classes = 256;
    wanted.images = 300;
    wanted.validation = true;
    wanted.first_loss = wanted.last_loss = 1e-7;
    mb_test_report *made = mb_test_report_open(&wanted);
    made->options = mb_training_defaults(MB_OPTIMIZER_SGD);
    made->options.epochs = wanted.epochs;
    made->options.validation = 10;
    made->options.seed = UINT64_MAX;
    made->dataset.train.images.count = 1010;
    made->info.cpu = "";
    made->info.quota = 1.5;
    made->run.data = NULL;
    char *page = make(&made->report);
    check_whole(page);
    assert_int_equal(rows_of(page, "class-table"), 256);
    check_real(page, "validation_accuracy", made->epochs[4].validation_accuracy);
    assert_int_equal(count_of(page, "<th scope=\"col\" data-key=\"validation_accuracy\">"), 1);
    assert_non_null(strstr(page, "<data value=\"1000\">1,000</data>"));
    assert_non_null(strstr(page, "<data data-key=\"seed\" value=\"18446744073709551615\">"));
    assert_non_null(strstr(page, "<data data-key=\"data\" value=\"synthetic\">"));
    assert_non_null(strstr(page, "tools/fetch-mnist"));
    assert_non_null(strstr(page, "of 300 drawn test images right"));
    assert_non_null(strstr(page, "unknown"));
    assert_null(strstr(page, "named from the folder"));
    free(page);
    mb_test_report_close(made);
}

TEST(equal_reports_give_equal_pages)
{
    const mb_test_report_spec usual = mb_test_default_report_spec();
    mb_test_report *made = mb_test_report_open(&usual), *again = mb_test_report_open(&usual);
    char *page = make(&made->report), *other = make(&again->report);
    assert_string_equal(page, other);
    free(page);
    free(other);
    mb_test_report_close(made);
    mb_test_report_close(again);
}
