// Fails the k-th call of one kind on files whose path holds EIO_PATH, once, with EIO_ERRNO.
//   EIO_CALL = fdatasync | fsync | pwrite64 | short   (short: pwrite64 writes half, then fails)
//   EIO_AT   = k, counted over the process; EIO_LOG = where each call on a failed fd is told.
// Built by eio.py: cc -shared -fPIC -o eio.so eio.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;
static atomic_int failed_fd = -1;

static int concerns(int fd) {
    const char *want = getenv("EIO_PATH");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return !want || strstr(path, want) != NULL;
}

static void tell(const char *what) {
    const char *log = getenv("EIO_LOG");
    if (!log) return;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) return;
    if (write(fd, what, strlen(what)) < 0) {}
    close(fd);
}

static int fails(const char *call, int fd) {
    const char *kind = getenv("EIO_CALL"), *at = getenv("EIO_AT");
    if (!kind || !at || strcmp(kind, call) || !concerns(fd)) return 0;
    if (atomic_load(&failed_fd) == fd) { tell("again\n"); return 0; }
    if (atomic_fetch_add(&calls, 1) + 1 != atol(at)) return 0;
    atomic_store(&failed_fd, fd);
    tell("failed\n");
    const char *number = getenv("EIO_ERRNO");
    errno = number ? atoi(number) : EIO;
    return 1;
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return fails("fdatasync", fd) ? -1 : real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return fails("fsync", fd) ? -1 : real(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    if (fails("pwrite64", fd)) return -1;
    if (fails("short", fd)) {
        int number = errno;
        if (real(fd, bytes, count / 2, at) < 0) {}
        errno = number;
        return -1;
    }
    return real(fd, bytes, count, at);
}

// A number that was closed is another file's from then on.
int close(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "close");
    int failed = fd;
    atomic_compare_exchange_strong(&failed_fd, &failed, -1);
    return real(fd);
}
