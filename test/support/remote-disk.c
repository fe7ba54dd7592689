/*
 * A file system of another machine, as far as a program can tell: HOLDFAST_TEST_DISK=nfs says so in statfs(2);
 * HOLDFAST_TEST_DISK=unshared is one of which nobody knows, whose files cannot be mapped by several processes, as of 9p
 * and many FUSE file systems; HOLDFAST_TEST_DISK=in-order is a FUSE file system that writes nothing but in order, as rclone's
 * without a cache; HOLDFAST_TEST_DISK=rclone is one that mountinfo, read from HOLDFAST_TEST_MOUNTS, has the name of. To be
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

static int is_fuse(void) { return disk_is("in-order") || disk_is("rclone"); }

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
  return next(mounts != NULL && strcmp(path, "/proc/self/mountinfo") == 0 ? mounts : path, flags, mode);
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

static int is_shared_map(int fd) {
  char link[64], file[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, file, sizeof file);
  return length > 4 && memcmp(file + length - 4, "-shm", 4) == 0;
}

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  ssize_t (*next)(int, const void *, size_t, off64_t);
  *(void **)&next = dlsym(RTLD_NEXT, "pwrite64");
  if (disk_is("in-order") && !is_shared_map(fd)) {
    errno = EPERM;
    return -1;
  }
  return next(fd, bytes, length, offset);
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
