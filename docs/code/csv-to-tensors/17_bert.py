from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertModel, BertTokenizerFast

wordpiece = BertWordPieceTokenizer()
wordpiece.train_from_iterator(clean.train.texts, vocab_size=2_000)
BertTokenizerFast(tokenizer_object=wordpiece._tokenizer).save_pretrained("models/bert")
config = BertConfig(
    vocab_size=wordpiece.get_vocab_size(),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
)
BertModel(config).save_pretrained("models/bert")

bert = tg.open_encoder("models/bert")
print(bert.tokenize("Climate change is real"))
print(bert.states(["Climate change is real"]))
