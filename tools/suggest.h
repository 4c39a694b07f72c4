/* "Did you mean": the name nearest to a word that is none. */
#ifndef MB_TOOLS_SUGGEST_H
#define MB_TOOLS_SUGGEST_H

#include "cli.h"

/* The nearest of the names offered so far. */
typedef struct mb_suggestion {
    const char *word, *name; /* name NULL: none is near */
    size_t distance;         /* of names that are nearer than it, only */
} mb_suggestion;

/* Begins with no name. Longer words may have more typing errors. */
mb_suggestion mb_suggest(const char *word);

/* Takes the name if it is the nearest: by edit distance (letters left out, added, replaced or
 * swapped with the next; case and _ for - do not count), or by a synonym, such as learning-rate for
 * lr. */
void mb_suggestion_offer(mb_suggestion *suggestion, const char *name);

/* ": did you mean --NAME?" with these dashes, or nothing. Returns `text`. */
enum { MB_SUGGESTION_SIZE = 96 };
char *mb_suggestion_format(const mb_suggestion *suggestion, const char *dashes,
                           char text[MB_SUGGESTION_SIZE]);

/* MB_ERROR_INVALID, with the nearest option of the command, for the first word of argv[1..] that
 * looks like an option and is none. */
mb_status mb_check_option_names(const mb_command *command, const char *program, int argc,
                                char **argv, mb_error *error);

#endif
