typedef int to_be_written;
