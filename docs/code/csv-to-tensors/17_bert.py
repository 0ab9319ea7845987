from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertModel, BertTokenizerFast

small = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
words = BertWordPieceTokenizer()
words.train_from_iterator(clean.train.texts, vocab_size=2_000)
BertTokenizerFast(tokenizer_object=words._tokenizer).save_pretrained("models/bert")
network = BertModel(BertConfig(vocab_size=words.get_vocab_size(), **small))
network.save_pretrained("models/bert")

bert = tg.open_encoder("models/bert")
print(bert.tokenize("Climate change is real"))
print(bert.states(["Climate change is real"]))
