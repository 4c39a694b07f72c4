#include "machine/cgroup.h"

#include "core/file.h"
#include "core/parse.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A resource: its controller in v1, and the limit that the cgroup in `folder` sets; 0: none. */
typedef struct {
    const char *controller;
    double (*limit)(const char *folder, bool unified);
} resource;

/* Paths of the process in the two hierarchies that may limit the resource. */
typedef struct {
    char *unified; /* v2; NULL if there is none */
    char *v1;      /* v1's controller; NULL if there is none */
} membership;

/* A mount of such a hierarchy. */
typedef struct {
    bool unified;
    const char *root;  /* the cgroup that is mounted */
    const char *point; /* the mount point */
} mount;

/* Finds `word` in a comma-separated list. */
static bool has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *item = list; *item != '\0';) {
        const size_t span = strcspn(item, ",");
        if (span == length && strncmp(item, word, length) == 0)
            return true;
        item += span + (item[span] == ',');
    }
    return false;
}

/* Lines are "ID:CONTROLLERS:PATH", for v2 "0::PATH". */
static void read_membership(const char *root, const char *controller, membership *member)
{
    FILE *file = mb_file_open_in(root, "proc/self/cgroup");
    char *line = NULL;
    size_t capacity = 0;
    while (file != NULL && getline(&line, &capacity, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *path = line;
        strsep(&path, ":");
        const char *controllers = strsep(&path, ":");
        if (path == NULL || path[0] != '/')
            continue;
        char **slot = controllers[0] == '\0'              ? &member->unified
                      : has_word(controllers, controller) ? &member->v1
                                                          : NULL;
        if (slot != NULL && *slot == NULL)
            *slot = strdup(path);
    }
    free(line);
    if (file != NULL)
        fclose(file);
}

/* In mountinfo, blanks, newlines and backslashes are escaped as \ooo. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; out++) {
        if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
            in[3] >= '0' && in[3] <= '7') {
            *out = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}

/* A line is "ID PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS". */
static bool parse_mount(char *line, const char *controller, mount *found)
{
    enum { ROOT = 3, POINT = 4, FIXED = 6 };
    char *fields[FIXED];
    char *rest = line;
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < FIXED; i++)
        fields[i] = strsep(&rest, " ");
    const char *tag;
    do
        tag = strsep(&rest, " ");
    while (tag != NULL && strcmp(tag, "-") != 0);
    const char *type = strsep(&rest, " ");
    strsep(&rest, " ");
    if (type == NULL || rest == NULL || fields[ROOT][0] != '/' || fields[POINT][0] != '/')
        return false;
    unescape(fields[ROOT]);
    unescape(fields[POINT]);
    found->unified = strcmp(type, "cgroup2") == 0;
    found->root = fields[ROOT];
    found->point = fields[POINT];
    return found->unified || (strcmp(type, "cgroup") == 0 && has_word(rest, controller));
}

/* True if the path has a "..", for a cgroup above the cgroup namespace, whose name is hidden. */
static bool leaves_namespace(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return true;
    return false;
}

/* True if the path has nothing but "..". */
static bool is_ancestor(const char *path)
{
    while (strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0'))
        path += 3;
    return path[0] == '\0';
}

/* The process's cgroup as a path relative to the mount point ("" for the point itself); NULL if the
 * mount does not contain it. */
static const char *below_mount(const char *mounted, const char *cgroup)
{
    const size_t length = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);
    if (strncmp(cgroup, mounted, length) == 0 && (cgroup[length] == '/' || cgroup[length] == '\0'))
        return leaves_namespace(cgroup + length) ? NULL : cgroup + length;
    /* A mount from outside of the namespace contains our cgroup, but hides the names between. */
    return is_ancestor(mounted) && !leaves_namespace(cgroup) ? "" : NULL;
}

/* A decimal number, optionally followed by blanks; 0 for anything else ("max"). */
static double positive(const char *text)
{
    uint64_t value = 0;
    return mb_take_uint64(&text, &value) && text[strspn(text, " \t\n")] == '\0' ? (double)value : 0;
}

enum { LINE = 64 };

static bool first_line(const char *folder, const char *name, char line[LINE])
{
    FILE *file = mb_file_open_in(folder, name);
    const bool read = file != NULL && fgets(line, LINE, file) != NULL;
    if (file != NULL)
        fclose(file);
    return read;
}

/* Quota of the cgroup in `folder`, in CPUs; 0: no limit. */
static double quota_of(const char *folder, bool unified)
{
    char quota[LINE], period[LINE];
    const char *divisor = period;
    if (unified) {
        char *rest = quota;
        if (!first_line(folder, "cpu.max", quota))
            return 0;
        strsep(&rest, " ");
        if (rest == NULL)
            return 0;
        divisor = rest;
    } else if (!first_line(folder, "cpu.cfs_quota_us", quota) ||
               !first_line(folder, "cpu.cfs_period_us", period)) {
        return 0;
    }
    const double quota_us = positive(quota), period_us = positive(divisor);
    return period_us > 0 ? quota_us / period_us : 0;
}

/* A line of memory.stat, "NAME BYTES"; 0 if there is none. */
static double memory_stat(const char *folder, const char *name)
{
    FILE *file = mb_file_open_in(folder, "memory.stat");
    char line[LINE];
    double bytes = 0;
    const size_t length = strlen(name);
    while (file != NULL && bytes == 0 && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            bytes = positive(line + length + 1);
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* Memory that the cgroup in `folder` may still use; 0: no limit. Pages of files make room. */
static double memory_of(const char *folder, bool unified)
{
    char limit[LINE], usage[LINE];
    if (!first_line(folder, unified ? "memory.max" : "memory.limit_in_bytes", limit) ||
        !first_line(folder, unified ? "memory.current" : "memory.usage_in_bytes", usage) ||
        positive(limit) == 0)
        return 0;
    const char *const files[] = {unified ? "active_file" : "total_active_file",
                                 unified ? "inactive_file" : "total_inactive_file"};
    const double available = positive(limit) - positive(usage) + memory_stat(folder, files[0]) +
                             memory_stat(folder, files[1]);
    return available > 1 ? available : 1;
}

/* The smaller of two limits; 0 is no limit. */
static double smaller_limit(double a, double b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* The smallest limit from the process's cgroup up to the mount point. */
static double smallest_limit(const char *root, const mount *found, const char *cgroup,
                             const resource *limited)
{
    const char *below = cgroup != NULL ? below_mount(found->root, cgroup) : NULL;
    char *folder = NULL;
    double limit = 0;
    if (below == NULL || asprintf(&folder, "%s%s%s", root, found->point, below) < 0)
        return 0;
    char *names = folder + strlen(root) + strlen(found->point);
    for (char *last = names; last != NULL;) {
        limit = smaller_limit(limit, limited->limit(folder, found->unified));
        last = strrchr(names, '/');
        if (last != NULL)
            *last = '\0';
    }
    free(folder);
    return limit;
}

static double limit_of(const char *root, const resource *limited)
{
    double limit = 0;
    membership member = {0};
    char *line = NULL;
    size_t capacity = 0;
    read_membership(root, limited->controller, &member);
    FILE *mounts = mb_file_open_in(root, "proc/self/mountinfo");
    while (mounts != NULL && getline(&line, &capacity, mounts) > 0) {
        mount found;
        if (parse_mount(line, limited->controller, &found))
            limit = smaller_limit(
                limit,
                smallest_limit(root, &found, found.unified ? member.unified : member.v1, limited));
    }
    if (mounts != NULL)
        fclose(mounts);
    free(line);
    free(member.unified);
    free(member.v1);
    return limit;
}

double mb_cgroup_cpu_quota(const char *root)
{
    return limit_of(root, &(resource){"cpu", quota_of});
}

double mb_cgroup_memory_available(const char *root)
{
    return limit_of(root, &(resource){"memory", memory_of});
}
