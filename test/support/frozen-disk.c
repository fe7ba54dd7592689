/*
 * A disk that stands still, as under fsfreeze(8): while the file that HOLDFAST_TEST_FROZEN names is there, nothing that is
 * synced gets to the disk. To be loaded with LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int);

static void wait_for_disk(void) {
  const char *frozen = getenv("HOLDFAST_TEST_FROZEN");
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = 5000000};
  while (frozen != NULL && access(frozen, F_OK) == 0) nanosleep(&pause, NULL);
}

__attribute__((visibility("default"))) int fsync(int fd) {
  sync_call next;
  *(void **)&next = dlsym(RTLD_NEXT, "fsync");
  wait_for_disk();
  return next(fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
  sync_call next;
  *(void **)&next = dlsym(RTLD_NEXT, "fdatasync");
  wait_for_disk();
  return next(fd);
}
