/* Preloaded into a server: every fsync and fdatasync takes at least a millisecond, as on an ordinary disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#define FLUSH_NANOSECONDS 1000000

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Without this the kernel may let every pause last 50 microseconds longer. */
__attribute__((constructor)) static void be_exact(void)
{
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

static int delayed(const char *name, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    long long until = now() + FLUSH_NANOSECONDS, left;
    int outcome = real(file), error = errno;
    while ((left = until - now()) > 0) {
        struct timespec pause = {0, left};
        nanosleep(&pause, 0);
    }
    errno = error;
    return outcome;
}

int fsync(int file)
{
    return delayed("fsync", file);
}

int fdatasync(int file)
{
    return delayed("fdatasync", file);
}
