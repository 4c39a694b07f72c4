#include "suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_WORD = 32 };

/* Other programs' names of options, and the names that they have here. */
static const struct {
    const char *word, *name;
} synonyms[] = {
    {"learning-rate", "lr"},
    {"l", "lr"},
    {"num-epochs", "epochs"},
    {"n-epochs", "epochs"},
    {"max-epochs", "epochs"},
    {"e", "epochs"},
    {"b", "batch-size"},
    {"bs", "batch-size"},
    {"wd", "weight-decay"},
    {"scheduler", "schedule"},
    {"lr-scheduler", "schedule"},
    {"model", "network"},
    {"arch", "network"},
    {"n", "network"},
    {"val", "validation"},
    {"val-split", "validation"},
    {"early-stopping", "patience"},
    {"random-seed", "seed"},
    {"s", "seed"},
    {"data-dir", "data"},
    {"d", "data"},
    {"output", "out"},
    {"output-dir", "out"},
    {"o", "out"},
    {"log-dir", "tensorboard"},
    {"jobs", "threads"},
    {"j", "threads"},
    {"t", "threads"},
    {"num-threads", "threads"},
    {"q", "quiet"},
    {"test", "evaluate"},
    {"fit", "train"},
    {"infer", "predict"},
    {"convert", "export"},
    {"benchmark", "tune"},
};

/* Lower case, with - for _; cut off at MAX_WORD. Returns the length. */
static size_t normalise(const char *word, char normal[MAX_WORD + 1])
{
    size_t length = 0;
    for (; length < MAX_WORD && word[length] != '\0'; length++)
        normal[length] = (char)(word[length] == '_' ? '-' : tolower((unsigned char)word[length]));
    normal[length] = '\0';
    return length;
}

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

/* Edits that turn one word into the other: the optimal string alignment distance. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t d[MAX_WORD + 1][MAX_WORD + 1];
    const size_t rows = strlen(a), columns = strlen(b);
    for (size_t i = 0; i <= rows; i++)
        for (size_t j = 0; j <= columns; j++) {
            d[i][j] = i + j;
            if (i == 0 || j == 0)
                continue;
            d[i][j] = min_size(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                               min_size(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = min_size(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[rows][columns];
}

mb_suggestion mb_suggest(const char *word)
{
    const size_t length = strlen(word);
    return (mb_suggestion){.word = word, .distance = length > 2 ? 2 + length / 5 : 1};
}

void mb_suggestion_offer(mb_suggestion *suggestion, const char *name)
{
    char word[MAX_WORD + 1], other[MAX_WORD + 1];
    const size_t length = normalise(suggestion->word, word);
    normalise(name, other);
    size_t distance = edit_distance(word, other);
    if (length > 2 && strncmp(word, other, length) == 0)
        distance = min_size(distance, 1);
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++)
        if (strcmp(synonyms[i].name, name) == 0)
            distance = min_size(distance, edit_distance(word, synonyms[i].word));
    if (distance >= suggestion->distance)
        return;
    suggestion->name = name;
    suggestion->distance = distance;
}

char *mb_suggestion_format(const mb_suggestion *suggestion, const char *dashes,
                           char text[MB_SUGGESTION_SIZE])
{
    *text = '\0';
    if (suggestion->name != NULL)
        snprintf(text, MB_SUGGESTION_SIZE, ": did you mean %s%s?", dashes, suggestion->name);
    return text;
}

/* ---- options of a command line ---- */

/* Options that every command has, which are not in its table. */
static const mb_option common[] = {{"help", .help = "", .kind = MB_OPTION_FLAG},
                                   {"version", .help = "", .kind = MB_OPTION_FLAG}};

static const mb_option *next_option(const mb_command *command, size_t number)
{
    size_t offset, count = 0;
    const mb_option *option = mb_command_option(command, number, &offset);
    if (option != NULL)
        return option;
    while (mb_command_option(command, count, &offset) != NULL)
        count++;
    return number - count < sizeof common / sizeof *common ? &common[number - count] : NULL;
}

/* Options whose name begins with these characters; an exact name is the only one. *last is one of
 * them. */
static size_t count_matches(const mb_command *command, const char *name, size_t length,
                            const mb_option **last)
{
    const mb_option *option;
    size_t matches = 0;
    for (size_t i = 0; (option = next_option(command, i)) != NULL; i++) {
        if (option->help == NULL || strncmp(option->name, name, length) != 0)
            continue;
        *last = option;
        if (option->name[length] == '\0')
            return 1;
        matches++;
    }
    return matches;
}

/* `word` is as typed, with its dashes and without a value. */
static mb_status refuse(const mb_command *command, const char *program, const char *word,
                        mb_error *error)
{
    const mb_option *option;
    char text[MB_SUGGESTION_SIZE];
    mb_suggestion suggestion = mb_suggest(word + strspn(word, "-"));
    for (size_t i = 0; (option = next_option(command, i)) != NULL; i++)
        if (option->help != NULL)
            mb_suggestion_offer(&suggestion, option->name);
    if (suggestion.name != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "%s: no such option%s", word,
                       mb_suggestion_format(&suggestion, "--", text));
    return mb_fail(error, MB_ERROR_INVALID, "%s: no such option; '%s%s%s --help' lists them", word,
                   program, command->name != NULL ? " " : "",
                   command->name != NULL ? command->name : "");
}

/* Words that getopt refuses for other reasons (ambiguous, no value, one too many) are left to it.
 */
mb_status mb_check_option_names(const mb_command *command, const char *program, int argc,
                                char **argv, mb_error *error)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const mb_option *option = NULL;
        char word[64];
        const bool is_long = strncmp(argv[i], "--", 2) == 0;
        const size_t length = is_long ? strcspn(argv[i], "=") : 2;
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            continue;
        if (!is_long && strchr("h?V", argv[i][1]) != NULL)
            return MB_OK;
        snprintf(word, sizeof word, "%.*s", (int)length, argv[i]);
        const size_t matches =
            is_long ? count_matches(command, argv[i] + 2, length - 2, &option) : 0;
        if (matches == 0)
            return refuse(command, program, word, error);
        if (matches > 1 || *option->help == '\0')
            return MB_OK;
        if (option->kind != MB_OPTION_FLAG && argv[i][length] == '\0')
            i++;
    }
    return MB_OK;
}
