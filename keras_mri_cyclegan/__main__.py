"""`python -m keras_mri_cyclegan`: see `--help`."""

import sys

from keras_mri_cyclegan._command_line import main

if __name__ == "__main__":
    sys.exit(main())
