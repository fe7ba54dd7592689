/*
 * A file system of another machine, as far as a program can tell: HOLDFAST_TEST_DISK=nfs says so in statfs(2);
 * HOLDFAST_TEST_DISK=unshared is one of which nobody knows, whose files cannot be mapped by several processes, as of 9p
 * and many FUSE file systems; HOLDFAST_TEST_DISK=in-order is a FUSE file system that writes nothing but in order, as rclone's
 * without a cache; HOLDFAST_TEST_DISK=failing is a FUSE file system that fails at the first write to the store itself, which comes when the
 * log is written back, and at every read of files that are opened from then on: what was committed is in the log alone; HOLDFAST_TEST_DISK=rclone is one that mountinfo, read from HOLDFAST_TEST_MOUNTS, has the name of. To be
 * loaded with LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

typedef int (*statfs_call)(const char *, struct statfs *);
typedef void *(*mmap_call)(void *, size_t, int, int, int, off_t);

static int disk_is(const char *kind) {
  const char *disk = getenv("HOLDFAST_TEST_DISK");
  return disk != NULL && strcmp(disk, kind) == 0;
}

static int is_fuse(void) { return disk_is("in-order") || disk_is("rclone") || disk_is("failing"); }

/* Descriptors that were opened once a write had failed. */
#define MAX_FILES 1024
static int failed, poisoned[MAX_FILES];

__attribute__((visibility("default"))) int open64(const char *path, int flags, ...) {
  int (*next)(const char *, int, mode_t);
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  *(void **)&next = dlsym(RTLD_NEXT, "open64");
  const char *mounts = getenv("HOLDFAST_TEST_MOUNTS");
  const int fd = next(mounts != NULL && strcmp(path, "/proc/self/mountinfo") == 0 ? mounts : path, flags, mode);
  if (fd >= 0 && fd < MAX_FILES) poisoned[fd] = failed && strstr(path, "/holdfast.db") != NULL;
  return fd;
}

__attribute__((visibility("default"))) int statfs(const char *path, struct statfs *facts) {
  statfs_call next;
  *(void **)&next = dlsym(RTLD_NEXT, "statfs");
  const int answer = next(path, facts);
  if (answer == 0 && disk_is("nfs")) facts->f_type = 0x6969;
  if (answer == 0 && is_fuse()) facts->f_type = 0x65735546;
  return answer;
}

__attribute__((visibility("default"))) int statfs64(const char *path, struct statfs64 *facts) {
  int (*next)(const char *, struct statfs64 *);
  *(void **)&next = dlsym(RTLD_NEXT, "statfs64");
  const int answer = next(path, facts);
  if (answer == 0 && disk_is("nfs")) facts->f_type = 0x6969;
  if (answer == 0 && is_fuse()) facts->f_type = 0x65735546;
  return answer;
}

static int ends_in(int fd, const char *end) {
  char link[64], file[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, file, sizeof file), rest = (ssize_t)strlen(end);
  return length > rest && memcmp(file + length - rest, end, (size_t)rest) == 0;
}

static int is_shared_map(int fd) { return ends_in(fd, "-shm"); }

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  ssize_t (*next)(int, const void *, size_t, off64_t);
  *(void **)&next = dlsym(RTLD_NEXT, "pwrite64");
  if (disk_is("in-order") && !is_shared_map(fd)) {
    errno = EPERM;
    return -1;
  }
  if (disk_is("failing") && ends_in(fd, "/holdfast.db")) {
    failed = 1;
    errno = EIO;
    return -1;
  }
  return next(fd, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) {
  ssize_t (*next)(int, void *, size_t, off64_t);
  *(void **)&next = dlsym(RTLD_NEXT, "pread64");
  if (fd >= 0 && fd < MAX_FILES && poisoned[fd]) {
    errno = EIO;
    return -1;
  }
  return next(fd, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
  return pread64(fd, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}

__attribute__((visibility("default"))) void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
  mmap_call next;
  *(void **)&next = dlsym(RTLD_NEXT, "mmap");
  if (fd >= 0 && (flags & MAP_SHARED) != 0 && disk_is("unshared") && is_shared_map(fd)) {
    errno = ENODEV;
    return MAP_FAILED;
  }
  return next(at, size, protection, flags, fd, offset);
}

__attribute__((visibility("default"))) void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset) {
  return mmap(at, size, protection, flags, fd, offset);
}
