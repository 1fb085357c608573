# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/report.py is made of: a results folder read, its intervals, verdicts, figures, and the pages made of them."""
