from transformers import BertConfig, BertModel

import textgraft as tg

