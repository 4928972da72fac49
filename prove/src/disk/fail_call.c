/* Preloaded into a program under test: notes its calls on the files under one folder, and fails one of them.
 *
 * LICTOR_FAIL_UNDER  the folder; calls on other files are neither noted nor failed
 * LICTOR_FAIL_LOG    a file outside of it, which gets a line per call: its kind and its path
 * LICTOR_FAIL        KIND:N:ERRNO fails the Nth call of that kind, once; optional
 *
 * Kinds: open, write, sync, rename, truncate, remove. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char *under;
static int log_file = -1;
static char kind_asked[16];
static long number_asked;
static int error_asked;
static atomic_long passed;

__attribute__((constructor)) static void settle(void)
{
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    const char *path = getenv("LICTOR_FAIL_LOG"), *asked = getenv("LICTOR_FAIL");
    under = getenv("LICTOR_FAIL_UNDER");
    if (path)
        log_file = real_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (asked)
        sscanf(asked, "%15[^:]:%ld:%d", kind_asked, &number_asked, &error_asked);
}

static void note(const char *kind, const char *path, int failed)
{
    char line[600];
    ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int length = snprintf(line, sizeof line, "%s%s %.500s\n", failed ? "FAILED " : "", kind, path);
    if (log_file >= 0 && real_write(log_file, line, length) != length)
        abort();
}

/* Whether this call on a path is the one that fails. */
static int path_fails(const char *kind, const char *path)
{
    int fails = 0;
    if (!under || strncmp(path, under, strlen(under)) != 0)
        return 0;
    if (strcmp(kind, kind_asked) == 0)
        fails = atomic_fetch_add(&passed, 1) + 1 == number_asked;
    note(kind, path, fails);
    if (fails)
        errno = error_asked;
    return fails;
}

static int file_fails(const char *kind, int file)
{
    char link[64], path[512];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return path_fails(kind, path);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                     \
    int name(const char *path, int flags, ...)                         \
    {                                                                  \
        va_list rest;                                                  \
        va_start(rest, flags);                                         \
        mode_t mode = va_arg(rest, mode_t);                            \
        va_end(rest);                                                  \
        if (path_fails("open", path))                                  \
            return -1;                                                 \
        return REAL(int, name, const char *, int, ...)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define SYNC(name)                           \
    int name(int file)                       \
    {                                        \
        if (file_fails("sync", file))        \
            return -1;                       \
        return REAL(int, name, int)(file);   \
    }
SYNC(fsync)
SYNC(fdatasync)

#define PWRITE(name)                                                                    \
    ssize_t name(int file, const void *bytes, size_t count, off_t at)                   \
    {                                                                                   \
        if (file_fails("write", file))                                                  \
            return -1;                                                                  \
        return REAL(ssize_t, name, int, const void *, size_t, off_t)(file, bytes, count, at); \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int file, const void *bytes, size_t count)
{
    if (file_fails("write", file))
        return -1;
    return REAL(ssize_t, write, int, const void *, size_t)(file, bytes, count);
}

ssize_t copy_file_range(int in, off_t *from, int out, off_t *to, size_t count, unsigned flags)
{
    if (file_fails("write", out))
        return -1;
    return REAL(ssize_t, copy_file_range, int, off_t *, int, off_t *, size_t, unsigned)(
        in, from, out, to, count, flags);
}

#define TRUNCATE(name)                                     \
    int name(int file, off_t length)                       \
    {                                                      \
        if (file_fails("truncate", file))                  \
            return -1;                                     \
        return REAL(int, name, int, off_t)(file, length);  \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

int rename(const char *from, const char *to)
{
    if (path_fails("rename", to))
        return -1;
    return REAL(int, rename, const char *, const char *)(from, to);
}

int unlink(const char *path)
{
    if (path_fails("remove", path))
        return -1;
    return REAL(int, unlink, const char *)(path);
}
