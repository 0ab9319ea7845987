"""From files and objects of every format to chunks of rows with named columns."""
